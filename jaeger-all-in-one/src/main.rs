//! The program: settings, start-up line, and waiting for the end.

use jaeger_all_in_one::{Backend, Config};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let backend = Backend::start(Config::default())?;
    println!("page and query API on {}", backend.url());
    println!("spans in {}", backend.app().store.describe());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(tokio::signal::ctrl_c())?;
    Ok(())
}
