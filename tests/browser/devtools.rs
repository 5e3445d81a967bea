//! What Chromium's DevTools tell of workers. The driver's own way to DevTools ends at the page, so this is
//! another one.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::stage::Stage;

/// What the workers of a page hold, without what is garbage.
#[derive(Debug, Default)]
pub struct Workers {
    /// How many there are.
    pub count: u32,
    /// JavaScript's memory in them, in MB.
    pub heap: f64,
    /// MediaSources in them.
    pub sources: u32,
}

impl Workers {
    /// Those of a test's page, now.
    pub async fn now(stage: &Stage) -> Self {
        let mut devtools = DevTools::connect(stage).await;
        // Whatever is there already is told before this is answered.
        let wanted =
            json!({ "autoAttach": true, "waitForDebuggerOnStart": false, "flatten": true });
        devtools.ask(None, "Target.setAutoAttach", wanted).await;
        let mut sum = Self::default();
        for worker in std::mem::take(&mut devtools.workers) {
            let mut ask = async |what, how| devtools.ask(Some(&worker), what, how).await;
            let class = json!({ "expression": "MediaSource.prototype" });
            let class = ask("Runtime.evaluate", class).await["result"]["objectId"].clone();
            // This collects the garbage.
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

/// A connection to a page's DevTools.
struct DevTools {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    asked: u64,
    /// The sessions of the workers that have been told of.
    workers: Vec<String>,
}

impl DevTools {
    async fn connect(stage: &Stage) -> Self {
        let driver = &stage.window.driver;
        let address = driver
            .handle()
            .capabilities()
            .get("goog:chromeOptions")
            .unwrap();
        let address = address["debuggerAddress"].as_str().unwrap();
        // A page is known to DevTools by the same name.
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

    /// What is answered to a command, by a worker or by the page.
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
