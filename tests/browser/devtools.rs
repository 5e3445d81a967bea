//! Reads the state of workers from Chromium's DevTools. WebDriver's access to DevTools reaches the page only.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::context::TestContext;

/// What a page's workers hold, without garbage.
#[derive(Debug, Default)]
pub struct Workers {
    /// Number of workers.
    pub count: u32,
    /// Their JavaScript heap, in MB.
    pub heap: f64,
    /// Number of MediaSources in them.
    pub sources: u32,
}

impl Workers {
    /// The state of the page's workers now.
    pub async fn now(test: &TestContext) -> Self {
        let mut devtools = DevTools::connect(test).await;
        // Existing workers are reported before the answer to this.
        let wanted =
            json!({ "autoAttach": true, "waitForDebuggerOnStart": false, "flatten": true });
        devtools.ask(None, "Target.setAutoAttach", wanted).await;
        let mut sum = Self::default();
        for worker in std::mem::take(&mut devtools.workers) {
            let mut ask = async |what, how| devtools.ask(Some(&worker), what, how).await;
            let class = json!({ "expression": "MediaSource.prototype" });
            let class = ask("Runtime.evaluate", class).await["result"]["objectId"].clone();
            // Collects the garbage.
            let all = ask(
                "Runtime.queryObjects",
                json!({ "prototypeObjectId": class }),
            )
            .await;
            let all = &all["objects"]["objectId"];
            let count = json!({ "objectId": all, "functionDeclaration": "function() { return this.length }" });
            let sources = ask("Runtime.callFunctionOn", count).await["result"]["value"].as_u64();
            let heap = ask("Runtime.getHeapUsage", json!({})).await["usedSize"].as_f64();
            sum.count += 1;
            sum.sources += u32::try_from(sources.unwrap()).unwrap();
            sum.heap += heap.unwrap() / 1e6;
        }
        sum
    }
}

/// A connection to the DevTools of a page.
struct DevTools {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    asked: u64,
    /// The sessions of the attached workers.
    workers: Vec<String>,
}

impl DevTools {
    async fn connect(test: &TestContext) -> Self {
        let driver = &test.window.driver;
        let address = driver
            .handle()
            .capabilities()
            .get("goog:chromeOptions")
            .unwrap();
        let address = address["debuggerAddress"].as_str().unwrap();
        // WebDriver's window handle is the id of the page in DevTools.
        let page = driver.window().await.unwrap();
        let (socket, _) = connect_async(format!("ws://{address}/devtools/page/{page}"))
            .await
            .unwrap();
        Self {
            socket,
            asked: 0,
            workers: Vec::new(),
        }
    }

    /// Sends a command to a worker or to the page; returns its result.
    async fn ask(&mut self, worker: Option<&str>, method: &str, params: Value) -> Value {
        self.asked += 1;
        let mut command = json!({ "id": self.asked, "method": method, "params": params });
        if let Some(worker) = worker {
            command["sessionId"] = worker.into();
        }
        let command = Message::text(command.to_string());
        self.socket.send(command).await.unwrap();
        while let Some(message) = self.socket.next().await {
            let Ok(said) = serde_json::from_str::<Value>(message.unwrap().to_text().unwrap())
            else {
                continue;
            };
            if said["method"] == "Target.attachedToTarget"
                && said["params"]["targetInfo"]["type"] == "worker"
            {
                let session = said["params"]["sessionId"].as_str().unwrap();
                self.workers.push(session.to_owned());
            }
            if said["id"] == self.asked {
                assert!(said["error"].is_null(), "{method}: {said}");
                return said["result"].clone();
            }
        }
        panic!("DevTools end at {method}");
    }
}
