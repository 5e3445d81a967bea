//! Chromium, controlled by the DevTools protocol over two pipes.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Stdio},
};

use serde_json::{Value, json};

use crate::{Outcome, run, tools::Tools};

/// A browser, which ends when this is dropped.
pub struct DevTools {
    process: Child,
    commands: File,
    messages: BufReader<File>,
    last_id: u32,
}

/// A page in a browser profile of its own.
pub struct Page {
    /// The profile, with its own caches.
    context: String,
    target: String,
    session: String,
}

impl DevTools {
    /// Starts Chromium with its profile in a folder. The process reads commands from its file descriptor 3 and writes
    /// messages to 4, which a shell connects with named pipes.
    pub fn start(tools: &Tools, folder: &Path) -> Outcome<Self> {
        let pipes = ["commands", "messages"].map(|name| folder.join(name));
        let profile = folder.join("profile");
        for path in &pipes {
            // Left by an earlier run.
            let _ = fs::remove_file(path);
        }
        let _ = fs::remove_dir_all(&profile);
        run(tools.command("mkfifo").args(&pipes))?;
        let process = tools
            .command("sh")
            .args([
                "-c",
                "exec \"$@\" 3<\"$COMMANDS\" 4>\"$MESSAGES\"",
                "sh",
                "chromium",
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
                "--autoplay-policy=no-user-gesture-required",
                "--remote-debugging-pipe",
            ])
            .arg(format!("--user-data-dir={}", profile.display()))
            .env("COMMANDS", &pipes[0])
            .env("MESSAGES", &pipes[1])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let commands = File::options().write(true).open(&pipes[0])?;
        let messages = BufReader::new(File::open(&pipes[1])?);
        Ok(Self {
            process,
            commands,
            messages,
            last_id: 0,
        })
    }

    /// A new profile with a blank page, which runs a script before those of each document.
    pub fn open(&mut self, script: &str) -> Outcome<Page> {
        let context = self.call(None, "Target.createBrowserContext", &json!({}))?;
        let context = text(&context, "browserContextId")?;
        self.open_in(context, script)
    }

    /// Another page in the same profile. The old one is closed.
    pub fn reopen(&mut self, page: Page, script: &str) -> Outcome<Page> {
        let target = json!({ "targetId": page.target });
        self.call(None, "Target.closeTarget", &target)?;
        self.open_in(page.context, script)
    }

    fn open_in(&mut self, context: String, script: &str) -> Outcome<Page> {
        let target = json!({ "url": "about:blank", "browserContextId": context });
        let target = text(
            &self.call(None, "Target.createTarget", &target)?,
            "targetId",
        )?;
        let attach = json!({ "targetId": target, "flatten": true });
        let session = text(
            &self.call(None, "Target.attachToTarget", &attach)?,
            "sessionId",
        )?;
        self.call(Some(&session), "Page.enable", &json!({}))?;
        let source = json!({ "source": script });
        self.call(
            Some(&session),
            "Page.addScriptToEvaluateOnNewDocument",
            &source,
        )?;
        Ok(Page {
            context,
            target,
            session,
        })
    }

    /// Closes a page, and forgets its profile.
    pub fn close(&mut self, page: Page) -> Outcome {
        let context = json!({ "browserContextId": page.context });
        self.call(None, "Target.disposeBrowserContext", &context)?;
        Ok(())
    }

    /// Navigates. Returns when the document has been received.
    pub fn navigate(&mut self, page: &Page, url: &str) -> Outcome {
        self.call(Some(&page.session), "Page.navigate", &json!({ "url": url }))?;
        Ok(())
    }

    /// The value of an expression, or of the promise that it is.
    pub fn evaluate(&mut self, page: &Page, expression: &str) -> Outcome<Value> {
        let parameters = json!({
            "expression": expression,
            "awaitPromise": true,
            "returnByValue": true,
        });
        let outcome = self.call(Some(&page.session), "Runtime.evaluate", &parameters)?;
        match outcome.get("exceptionDetails") {
            Some(details) => Err(format!("`{expression}` failed: {details}").into()),
            None => Ok(outcome["result"]["value"].clone()),
        }
    }

    /// How long the page's main thread has been busy, in seconds.
    pub fn busy_time(&mut self, page: &Page) -> Outcome<f64> {
        self.call(Some(&page.session), "Performance.enable", &json!({}))?;
        let metrics = self.call(Some(&page.session), "Performance.getMetrics", &json!({}))?;
        let metrics = metrics["metrics"].as_array().into_iter().flatten();
        metrics
            .filter(|metric| metric["name"] == "TaskDuration")
            .find_map(|metric| metric["value"].as_f64())
            .ok_or_else(|| "Chromium does not tell the duration of its tasks".into())
    }

    /// Moves the mouse to a place in the page, in CSS pixels.
    pub fn move_mouse(&mut self, page: &Page, x: f64, y: f64) -> Outcome {
        let event = json!({ "type": "mouseMoved", "x": x, "y": y });
        self.call(Some(&page.session), "Input.dispatchMouseEvent", &event)?;
        Ok(())
    }

    /// Sends a command, and waits for its result.
    fn call(&mut self, session: Option<&str>, method: &str, parameters: &Value) -> Outcome<Value> {
        self.last_id += 1;
        let mut command = json!({ "id": self.last_id, "method": method, "params": parameters });
        if let Some(session) = session {
            command["sessionId"] = json!(session);
        }
        self.commands.write_all(format!("{command}\0").as_bytes())?;
        loop {
            let mut message = Vec::new();
            self.messages.read_until(0, &mut message)?;
            if message.pop().is_none() {
                return Err("Chromium has ended".into());
            }
            let mut message: Value = serde_json::from_slice(&message)?;
            if message["id"] != self.last_id {
                continue;
            }
            if let Some(error) = message.get("error") {
                return Err(format!("{method}: {error}").into());
            }
            return Ok(message["result"].take());
        }
    }
}

impl Drop for DevTools {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn text(value: &Value, name: &str) -> Outcome<String> {
    let text = value[name].as_str().ok_or("Chromium answers otherwise")?;
    Ok(text.to_owned())
}
