//! The other tools: which there are, how each is asked, and what could not be installed.

mod install;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};

use self::install::Home;
use crate::helper::Helper;
use crate::say;

/// A tool and what it is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Peer {
    /// As the original service uses it: `convert("RGB").save(quality=...)`.
    Pillow,
    /// `jpeg({mozjpeg: true})`.
    SharpJpeg,
    SharpWebp,
    /// As it comes: libaom, 4:4:4, effort 4.
    SharpAvif,
    VipsJpeg,
    CaesiumJpeg,
    /// The quality is the number of colours.
    Pngquant,
    /// The quality is its level.
    Oxipng,
    /// `-O3`, every frame kept; the quality is `--lossy`, 0 for none.
    Gifsicle,
    /// `-mixed`.
    Gif2webp,
}

/// A program or library behind one or more of [`Peer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Product {
    Pillow,
    Sharp,
    Vips,
    Caesium,
    Pngquant,
    Oxipng,
    Gifsicle,
    Gif2webp,
}

impl Peer {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pillow => "Pillow",
            Self::SharpJpeg => "sharp mozjpeg",
            Self::SharpWebp => "sharp WebP",
            Self::SharpAvif => "sharp AVIF",
            Self::VipsJpeg => "libvips JPEG",
            Self::CaesiumJpeg => "caesium JPEG",
            Self::Pngquant => "pngquant",
            Self::Oxipng => "oxipng",
            Self::Gifsicle => "gifsicle",
            Self::Gif2webp => "gif2webp",
        }
    }

    pub(super) fn setting(self, quality: u32) -> String {
        match self {
            Self::Pngquant => format!("{quality} colours"),
            Self::Oxipng => format!("-o{quality}"),
            Self::Gifsicle => format!("lossy {quality}"),
            _ => format!("q{quality}"),
        }
    }

    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Pillow | Self::SharpJpeg | Self::VipsJpeg | Self::CaesiumJpeg => "jpg",
            Self::SharpWebp | Self::Gif2webp => "webp",
            Self::SharpAvif => "avif",
            Self::Pngquant | Self::Oxipng => "png",
            Self::Gifsicle => "gif",
        }
    }

    fn product(self) -> Product {
        match self {
            Self::Pillow => Product::Pillow,
            Self::SharpJpeg | Self::SharpWebp | Self::SharpAvif => Product::Sharp,
            Self::VipsJpeg => Product::Vips,
            Self::CaesiumJpeg => Product::Caesium,
            Self::Pngquant => Product::Pngquant,
            Self::Oxipng => Product::Oxipng,
            Self::Gifsicle => Product::Gifsicle,
            Self::Gif2webp => Product::Gif2webp,
        }
    }
}

/// What was installed: the program or the folder of each, its version, or why it is missing.
pub(super) struct Peers {
    found: HashMap<Product, (PathBuf, String)>,
    missing: Vec<(&'static str, String)>,
}

impl Peers {
    /// Installs what is missing and asks each for its version.
    pub(super) fn find(target: &Path) -> Result<Self> {
        let home = Home::new(target)?;
        let pillow = crate::pillow::environment(target)?;
        let mut peers = Self { found: HashMap::new(), missing: Vec::new() };
        peers.found.insert(Product::Pillow, (pillow, format!("Pillow {}", crate::pillow::VERSION)));
        peers.add("sharp", Product::Sharp, home.sharp(), |folder| {
            let script = "const s = require('sharp'); const v = s.versions; console.log(`sharp ${v.sharp} \
                (libvips ${v.vips}, libaom ${v.aom}, libwebp ${v.webp})`)";
            text_of(Command::new("node").args(["-e", script]).current_dir(folder))
        });
        peers.add("libvips", Product::Vips, home.vips(), |python| {
            let script = "import pyvips; print('libvips', *[pyvips.version(n) for n in range(3)], sep='.')";
            Ok(text_of(Command::new(python).args(["-c", script]))?.replace("libvips.", "libvips "))
        });
        peers.add("pngquant", Product::Pngquant, home.pngquant(), |program| {
            Ok(format!("pngquant {}", text_of(Command::new(program).arg("--version"))?))
        });
        peers.add("oxipng", Product::Oxipng, home.oxipng(), version_of);
        peers.add("gifsicle", Product::Gifsicle, home.gifsicle(), |program| {
            Ok(version_of(program)?.replace("LCDF Gifsicle", "gifsicle"))
        });
        peers.add("gif2webp", Product::Gif2webp, home.gif2webp(), |root| {
            let program = root.join("usr/bin/gif2webp");
            let version = text_of(Command::new(program).arg("-version").envs(libraries(root)?))?;
            Ok(version.replace("WebP Encoder version:", "gif2webp"))
        });
        peers.add("caesium", Product::Caesium, home.caesium(), version_of);
        Ok(peers)
    }

    fn add(
        &mut self,
        name: &'static str,
        product: Product,
        installed: Result<PathBuf>,
        version: impl FnOnce(&Path) -> Result<String>,
    ) {
        match installed.and_then(|path| Ok((version(&path)?, path))) {
            Ok((version, path)) => {
                self.found.insert(product, (path, version));
            }
            Err(error) => {
                say(&format!("{name} is left out: {error:#}"));
                self.missing.push((name, format!("{error:#}")));
            }
        }
    }

    pub(super) fn has(&self, peer: Peer) -> bool {
        self.found.contains_key(&peer.product())
    }

    /// One line: names and versions, and what is missing with the reason.
    pub(super) fn text(&self) -> String {
        let mut versions: Vec<_> = self.found.values().map(|(_, version)| version.as_str()).collect();
        versions.sort_unstable();
        let missing = self.missing.iter().map(|(name, reason)| format!("; **{name} is missing**: {reason}"));
        format!("{}{}", versions.join(", "), missing.collect::<String>())
    }

    /// The interpreter that has Pillow.
    pub(super) fn python(&self) -> Result<&Path> {
        self.path(Product::Pillow)
    }

    fn path(&self, product: Product) -> Result<&Path> {
        let (path, _) = self.found.get(&product).ok_or_else(|| anyhow!("{product:?} is not installed"))?;
        Ok(path)
    }
}

/// Where a program of an unpacked package finds its libraries.
fn libraries(root: &Path) -> Result<[(&'static str, PathBuf); 1]> {
    let folders = std::fs::read_dir(root.join("usr/lib"))?;
    let folder = folders.flatten().map(|entry| entry.path()).find(|path| path.is_dir());
    Ok([("LD_LIBRARY_PATH", folder.context("no libraries were unpacked")?)])
}

fn version_of(program: &Path) -> Result<String> {
    text_of(Command::new(program).arg("--version"))
}

/// The first line that a command prints.
fn text_of(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    ensure!(output.status.success(), "it is installed and does not run: {}", output.status);
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}

/// One thread's running helpers, each started when it is first asked.
pub(super) struct Running<'a> {
    peers: &'a Peers,
    helpers: HashMap<&'static str, Helper>,
}

impl<'a> Running<'a> {
    pub(super) fn new(peers: &'a Peers) -> Self {
        Self { peers, helpers: HashMap::new() }
    }

    /// Encodes; the answer has `decode` and `encode`, or `cpu` of both, in processor seconds, and `peak` in bytes.
    pub(super) fn encode(&mut self, peer: Peer, input: &Path, output: &Path, quality: u32) -> Result<Value> {
        let program = self.peers.path(peer.product())?;
        let sharp = |method: &str, options: Value| json!([input, output, method, options]);
        match peer {
            Peer::Pillow => Err(anyhow!("Pillow is asked through the decoder")),
            Peer::SharpJpeg => self.sharp(&sharp("jpeg", json!({"quality": quality, "mozjpeg": true}))),
            Peer::SharpWebp => self.sharp(&sharp("webp", json!({"quality": quality}))),
            Peer::SharpAvif => self.sharp(&sharp("avif", json!({"quality": quality}))),
            Peer::VipsJpeg => {
                let script = concat!(include_str!("../peak.py"), include_str!("vips.py"));
                let mut command = Command::new(program);
                let helper = self.helper("libvips", command.args(["-c", script]))?;
                helper.ask(&json!([input, output, {"Q": quality}]))
            }
            Peer::CaesiumJpeg => self.caesium(program, input, output, quality),
            Peer::Pngquant => {
                let colours = quality.to_string();
                self.launch(&json!([program, "--force", "--output", output, colours, "--", input]))
            }
            Peer::Oxipng => {
                let level = quality.to_string();
                self.launch(&json!([program, "-q", "-o", level, "--strip", "safe", "--out", output, input]))
            }
            Peer::Gifsicle => {
                let lossy = if quality == 0 { "--no-warnings".into() } else { format!("--lossy={quality}") };
                self.launch(&json!([program, "-O3", "-Okeep-empty", lossy, "-o", output, input]))
            }
            Peer::Gif2webp => {
                let [(name, folder)] = libraries(program)?;
                let (variable, quality) = (format!("{name}={}", folder.display()), quality.to_string());
                let binary = program.join("usr/bin/gif2webp");
                let request =
                    json!(["/usr/bin/env", variable, binary, "-mixed", "-q", quality, input, "-o", output]);
                self.launch(&request)
            }
        }
    }

    /// It writes into a folder, under the input's name.
    fn caesium(&mut self, program: &Path, input: &Path, output: &Path, quality: u32) -> Result<Value> {
        let folder = output.with_extension("folder");
        let _ = std::fs::remove_dir_all(&folder);
        let quality = quality.to_string();
        let answer = self.launch(&json!([
            program,
            "--quality",
            quality,
            "--format",
            "jpeg",
            "--output",
            folder,
            input
        ]))?;
        let made = std::fs::read_dir(&folder)?.next().context("caesium wrote nothing")??.path();
        std::fs::rename(made, output)?;
        Ok(answer)
    }

    fn sharp(&mut self, request: &Value) -> Result<Value> {
        let folder = self.peers.path(Product::Sharp)?;
        let script = include_str!("sharp.mjs");
        let mut command = Command::new("node");
        let helper =
            self.helper("sharp", command.args(["--input-type=module", "-e", script, "--"]).arg(folder))?;
        helper.ask(request)
    }

    /// Runs a program to its end.
    fn launch(&mut self, request: &Value) -> Result<Value> {
        let mut command = Command::new(self.peers.python()?);
        let script = include_str!("launch.py");
        self.helper("launcher", command.args(["-S", "-c", script]))?.ask(request)
    }

    fn helper(&mut self, name: &'static str, command: &mut Command) -> Result<&mut Helper> {
        let living = self.helpers.remove(name).and_then(|mut helper| helper.is_alive().then_some(helper));
        let helper = match living {
            Some(helper) => helper,
            None => Helper::start(name, command)?,
        };
        Ok(self.helpers.entry(name).or_insert(helper))
    }
}
