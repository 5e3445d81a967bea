//! The worker's program.

use gloo_worker::Registrable;
use handle::VideoWorker;
use yew_mse_worker::protocol::transfer::MessageCodec;

fn main() {
    VideoWorker::registrar()
        .encoding::<MessageCodec>()
        .register();
}
