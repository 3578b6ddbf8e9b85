//! A push service of its own: npm's `web-push-testing`, which checks the signature and decrypts what it is sent.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

pub(crate) struct PushService {
    url: String,
    client: reqwest::Client,
    child: Child,
}

/// A browser that the service knows.
pub(crate) struct Browser {
    /// What the browser would give to the page.
    pub(crate) subscription: Value,
    hash: Value,
}

impl PushService {
    pub(crate) fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../web/node_modules/web-push-testing/src/bin/server.js");
        assert!(script.exists(), "run `npm ci` in web/: the tests need its push service");
        // It cannot be told to take any free port; nobody else takes the one that was free just now.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut child = Command::new("node")
            .arg(script)
            .arg(free.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("Server running"), "{line}");
        Self { url: format!("http://localhost:{free}"), client: reqwest::Client::new(), child }
    }

    /// What the operator would put into `--fetch-allow`.
    pub(crate) fn origin(&self) -> &str {
        &self.url
    }

    /// Subscribes a browser to messages that `key` signs.
    pub(crate) async fn browser(&self, key: &str) -> Browser {
        let options = json!({"userVisibleOnly": "true", "applicationServerKey": key});
        let mut subscription = self.ask("/subscribe", &options).await["data"].take();
        let hash = subscription["clientHash"].take();
        Browser { subscription, hash }
    }

    /// What the browser was sent, decrypted, in order.
    pub(crate) async fn received(&self, browser: &Browser) -> Vec<Value> {
        let answer = self.ask("/get-notifications", &json!({"clientHash": browser.hash})).await;
        let messages = answer["data"]["messages"].as_array().unwrap().clone();
        messages.iter().map(|text| serde_json::from_str(text.as_str().unwrap()).unwrap()).collect()
    }

    /// Ends the browser's subscription, as its user can.
    pub(crate) async fn expire(&self, browser: &Browser) {
        let path = format!("/expire-subscription/{}", browser.hash.as_str().unwrap());
        self.client.post(format!("{}{path}", self.url)).send().await.unwrap().error_for_status().unwrap();
    }

    async fn ask(&self, path: &str, body: &Value) -> Value {
        let answer = self.client.post(format!("{}{path}", self.url)).json(body).send().await.unwrap();
        answer.error_for_status().unwrap().json().await.unwrap()
    }
}

impl Drop for PushService {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
