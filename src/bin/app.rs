//! The page's program: the Yew app.

fn main() {
    yew_mse_worker::app::start();
}
