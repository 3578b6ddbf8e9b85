//! A real nginx with the shipped configuration, on free ports and directories of its own.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::eventually;

/// The shipped files.
const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/nginx");

/// What a request asks for under this name is a file of the made-up web UI.
pub(crate) const SCRIPT: &str = "/assets/index-0a1b2c3d.js";

pub(crate) struct Nginx {
    /// Without TLS.
    pub(crate) url: String,
    /// With TLS, by a certificate that nobody signed.
    pub(crate) tls_url: String,
    pub(crate) client: reqwest::Client,
    child: Child,
    _dir: TempDir,
}

impl Nginx {
    /// Starts it before the server at `api`, whose images lie in `blobs`. Only addresses and paths differ from what is
    /// shipped.
    pub(crate) async fn start(api: &str, blobs: &Path) -> Self {
        let dir = TempDir::new().unwrap();
        let (port, tls_port) = (free_port(), free_port());
        write_web(&dir.path().join("web"));
        make_certificate(dir.path());
        let own = dir.path().display().to_string();
        for name in ["demitasse.conf", "locations.conf", "accel.conf"] {
            let text = std::fs::read_to_string(Path::new(SHIPPED).join(name)).unwrap();
            std::fs::write(dir.path().join(name), text.replace("/etc/nginx/demitasse/", &format!("{own}/")))
                .unwrap();
        }
        let listen = format!(
            "listen 127.0.0.1:{port}; listen 127.0.0.1:{tls_port} ssl;\n\
             ssl_certificate {own}/certificate; ssl_certificate_key {own}/key;"
        );
        replace(
            &dir.path().join("demitasse.conf"),
            &[
                ("listen 80;", &listen),
                ("server 127.0.0.1:8080;", &format!("server {};", api.trim_start_matches("http://"))),
                ("/usr/share/demitasse/web", &format!("{own}/web")),
                ("/var/lib/demitasse/blobs/", &format!("{}/", blobs.display())),
            ],
        );
        std::fs::write(dir.path().join("nginx.conf"), main_configuration(&own)).unwrap();
        let mut child = Command::new(program())
            .args(["-p", &own, "-c", &format!("{own}/nginx.conf")])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = child.stderr.take().unwrap();
        std::thread::spawn(move || {
            let mut log = String::new();
            stderr.read_to_string(&mut log).ok();
            eprintln!("{log}");
        });
        eventually("nginx listens", || async {
            [port, tls_port].iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok()).then_some(())
        })
        .await;
        let client = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build().unwrap();
        Self {
            url: format!("http://127.0.0.1:{port}"),
            tls_url: format!("https://127.0.0.1:{tls_port}"),
            client,
            child,
            _dir: dir,
        }
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> reqwest::Response {
        let request = self.client.get(format!("{}{path}", self.url));
        headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value))
            .send()
            .await
            .unwrap()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Not by SIGKILL: that would leave the workers behind.
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
        self.child.wait().ok();
    }
}

/// The one that the variable names, else Debian's. A missing one fails the test: it proves what is shipped.
fn program() -> PathBuf {
    let named = std::env::var_os("TEST_NGINX").map(PathBuf::from);
    let program = named.unwrap_or_else(|| "/usr/sbin/nginx".into());
    assert!(program.is_file(), "{} is missing: install nginx, or set TEST_NGINX", program.display());
    program
}

/// A port that nobody has now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// What a distribution's `nginx.conf` says, in a directory of our own. Root's workers would be `nobody`, who may not
/// read a test's directory; a `user` line of anyone else is only warned about.
fn main_configuration(own: &str) -> String {
    let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {own}/{name};\n"))
        .concat();
    format!(
        "{user}\ndaemon off;\nworker_processes 1;\npid {own}/pid;\nerror_log stderr warn;\nevents {{}}\n\
         http {{\ntypes {{ text/html html; application/javascript js; }}\naccess_log off;\n{temporary}\
         include {own}/demitasse.conf;\n}}\n"
    )
}

fn write_web(web: &Path) {
    std::fs::create_dir_all(web.join("assets")).unwrap();
    std::fs::write(web.join("index.html"), "<!doctype html><title>served by nginx</title>").unwrap();
    std::fs::write(web.join(SCRIPT.trim_start_matches('/')), "served_by_nginx();\n".repeat(200)).unwrap();
}

fn make_certificate(dir: &Path) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args(["-subj", "/CN=localhost", "-days", "2", "-keyout", "key", "-out", "certificate"])
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// Each text must be there: a shipped file that changes has to keep what an installation edits.
fn replace(path: &Path, pairs: &[(&str, &str)]) {
    let mut text = std::fs::read_to_string(path).unwrap();
    for (from, to) in pairs {
        assert!(text.contains(from), "{} has no `{from}`", path.display());
        // Comments tell how to edit; they must not be made to end early by a text of two lines.
        let lines = text.lines().map(|line| {
            if line.trim_start().starts_with('#') { line.to_owned() } else { line.replace(from, to) }
        });
        text = lines.collect::<Vec<_>>().join("\n");
    }
    std::fs::write(path, text).unwrap();
}
