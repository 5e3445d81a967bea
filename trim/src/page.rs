//! The hashes by which trunk lets `index.html` name the files that it loads: each is what it is,
//! or the browser refuses the file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha384};

use crate::Outcome;

/// The hash of each file, as an `integrity` attribute has it.
pub fn hashes(files: &[PathBuf]) -> Outcome<Vec<String>> {
    files.iter().map(|file| hash(file)).collect()
}

fn hash(file: &Path) -> Outcome<String> {
    Ok(format!(
        "sha384-{}",
        STANDARD.encode(Sha384::digest(fs::read(file)?))
    ))
}

/// A page that names files by what their hashes are after a change, where it named them by what
/// they were before; both are in the same order.
pub fn renew(html: &str, before: &[String], after: &[String]) -> Outcome<String> {
    let mut html = html.to_owned();
    for (old, new) in before.iter().zip(after) {
        html = html.replace(old.as_str(), new);
    }
    let stale = html
        .split("integrity=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .find(|hash| !hash.is_empty() && !after.iter().any(|known| known == hash));
    match stale {
        None => Ok(html),
        Some(hash) => Err(format!("index.html names a file by {hash}, and none has it").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_files_by_their_new_hashes() {
        let [old, new, other] = ["sha384-old", "sha384-new", "sha384-other"].map(str::to_owned);
        let html = r#"<link href="a.js" integrity="sha384-old"><link integrity="sha384-other">"#;
        let renewed = renew(html, &[old, other.clone()], &[new, other]).unwrap();
        let expected = html.replace("old", "new");
        assert_eq!(renewed, expected);
    }

    #[test]
    fn a_hash_that_no_file_has_is_refused() {
        let html = r#"<link href="a.js" integrity="sha512-unknown">"#;
        assert!(renew(html, &[], &[]).is_err());
    }
}
