//! The worker's program: the agent.

fn main() {
    yew_mse_worker::engine::start();
}
