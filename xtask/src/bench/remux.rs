//! `cargo xtask bench remux`: the remuxer's module and hls.js's worker, on the same files in the same Chromium.
//!
//! A small server offers a page that measures both and posts its result. Nothing here is part of the tests.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

use super::{HLS, install};
use crate::{Outcome, root, run_in, step, tools::Tools};

const PAGE: &str = "<!doctype html><title>bench</title><script src=\"/remux.js\"></script>";

/// Measures these files, or else those of the tests joined to one.
pub fn remux(files: &[String]) -> Outcome {
    let tools = Tools::for_building(true)?;
    let folder = root().join("target/bench");
    fs::create_dir_all(&folder)?;
    step(&format!("Installing {HLS}, and building the remuxer"));
    install(&tools, &folder, &[HLS])?;
    let module = module(&tools, &folder)?;
    let files = match files {
        [] => vec![("muxed.ts".to_owned(), test_stream()?)],
        files => {
            let mut read = Vec::new();
            for (number, path) in files.iter().enumerate() {
                let name = Path::new(path).file_name().unwrap_or_default();
                let name = format!("{number}/{}", name.to_string_lossy());
                read.push((name, fs::read(path)?));
            }
            read
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    step("Measuring in Chromium");
    let _browser = Browser::open(
        &tools,
        &folder,
        &format!("http://{}/", listener.local_addr()?),
    )?;
    let site = Site {
        module: fs::read(module)?,
        worker: fs::read(folder.join("node_modules/hls.js/dist/hls.worker.js"))?,
        files,
    };
    for stream in listener.incoming() {
        if let Some(result) = site.answer(stream?)? {
            println!("{result}");
            break;
        }
    }
    Ok(())
}

/// Builds the module as the site has it.
fn module(tools: &Tools, folder: &Path) -> Outcome<PathBuf> {
    let target = folder.join("target");
    run_in(
        root(),
        tools
            .command("cargo")
            .args(["build", "--package", "remux", "--bin", "remux"])
            .args(["--profile", "remux", "--target", "wasm32-unknown-unknown"])
            .arg("--target-dir")
            .arg(&target),
    )?;
    Ok(target.join("wasm32-unknown-unknown/remux/remux.wasm"))
}

/// The segments of the muxed test stream, repeated to 2 MB.
fn test_stream() -> Outcome<Vec<u8>> {
    let mut segments = Vec::new();
    for number in 1..=4 {
        let path = format!("tests/media/transport/muxed-{number}.ts");
        segments.extend(fs::read(root().join(path))?);
    }
    Ok(segments.repeat(2_000_000 / segments.len()))
}

/// A browser with a page, which ends when this is dropped.
struct Browser(Child);

impl Browser {
    fn open(tools: &Tools, folder: &Path, url: &str) -> Outcome<Self> {
        let child = tools
            .command("chromium")
            .args(["--headless=new", "--no-sandbox", "--disable-gpu"])
            .arg(format!(
                "--user-data-dir={}",
                folder.join("profile").display()
            ))
            .arg(url)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("chromium could not be started: {error}"))?;
        Ok(Self(child))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The files of the page.
struct Site {
    module: Vec<u8>,
    worker: Vec<u8>,
    files: Vec<(String, Vec<u8>)>,
}

impl Site {
    /// Answers one request. Returns the result if it brings that.
    fn answer(&self, stream: TcpStream) -> Outcome<Option<String>> {
        let mut reader = BufReader::new(&stream);
        let mut request = String::new();
        reader.read_line(&mut request)?;
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            let header = header.trim().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let path = request.split(' ').nth(1).unwrap_or_default();
        if request.starts_with("POST") {
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            respond(&stream, "204 No Content", "text/plain", &[])?;
            return Ok(Some(String::from_utf8_lossy(&body).into_owned()));
        }
        let names: Vec<String> = self
            .files
            .iter()
            .map(|(name, _)| format!("\"/file/{name}\""))
            .collect();
        let list = format!("[{}]", names.join(","));
        let script = include_str!("remux.js");
        let file = |name: &str| self.files.iter().find(|(known, _)| known == name);
        let (kind, body) = match path {
            "/" => ("text/html", PAGE.as_bytes()),
            "/remux.js" => ("text/javascript", script.as_bytes()),
            "/remux.wasm" => ("application/wasm", self.module.as_slice()),
            "/hls.worker.js" => ("text/javascript", self.worker.as_slice()),
            "/files" => ("application/json", list.as_bytes()),
            _ => match path.strip_prefix("/file/").and_then(file) {
                Some((_, bytes)) => ("video/mp2t", bytes.as_slice()),
                None => {
                    respond(&stream, "404 Not Found", "text/plain", &[])?;
                    return Ok(None);
                }
            },
        };
        respond(&stream, "200 OK", kind, body)?;
        Ok(None)
    }
}

fn respond(mut stream: &TcpStream, status: &str, kind: &str, body: &[u8]) -> Outcome {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\naccess-control-allow-origin: *\r\nconnection: close\r\n\r\n"
    )?;
    stream.write_all(body)?;
    Ok(())
}
