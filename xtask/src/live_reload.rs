//! Trunk's post-build hook (see Trunk.toml): lets live reload through the page's Content-Security-Policy.
//!
//! `trunk serve` appends an inline script and fills in the server's address with each response, so neither
//! a hash nor a nonce in `index.html` can allow it. Other builds have no such script and are left as they are.

use std::{env, fs, path::Path};

use crate::Outcome;

/// A placeholder in trunk's reload script.
const RELOAD_SCRIPT: &str = "{{__TRUNK_ADDRESS__}}";

pub fn run() -> Outcome {
    let staging = env::var("TRUNK_STAGING_DIR").map_err(|_| "only trunk calls this, as a hook")?;
    let page = Path::new(&staging).join("index.html");
    let html = fs::read_to_string(&page)?;
    if html.contains(RELOAD_SCRIPT) {
        fs::write(&page, allow(&html)?)?;
    }
    Ok(())
}

/// Allows inline scripts and web sockets.
fn allow(html: &str) -> Outcome<String> {
    let allowed = html
        .replace("script-src ", "script-src 'unsafe-inline' ")
        .replace("connect-src ", "connect-src ws: wss: ");
    if allowed.matches("'unsafe-inline'").count() == 1 && allowed.matches(" ws: ").count() == 1 {
        Ok(allowed)
    } else {
        Err("index.html should have one `script-src` and one `connect-src`".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_of_the_page_allows_the_reload_script() {
        let html = include_str!("../../index.html");
        let allowed = allow(html).unwrap();
        assert!(allowed.contains("script-src 'unsafe-inline' 'self' "));
        assert!(allowed.contains("connect-src ws: wss: http: "));
    }

    #[test]
    fn page_without_a_policy_is_refused() {
        assert!(allow("<html></html>").is_err());
    }
}
