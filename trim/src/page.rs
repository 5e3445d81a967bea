//! The hashes by which trunk lets `index.html` name the files that it loads: each is what it is,
//! or the browser refuses the file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha384};

use crate::Outcome;

/// A page that names each file by what its hash is now. By the path, and not by the hash that is there: what
/// several programs bring, trunk writes once for each of them, and may have read it in the middle of that.
pub fn renew(html: &str, folder: &Path, files: &[PathBuf]) -> Outcome<String> {
    let mut tags = html.split_inclusive('>').map(str::to_owned);
    tags.try_fold(String::new(), |renewed, tag| {
        Ok(renewed + &renew_tag(tag, folder, files)?)
    })
}

fn renew_tag(tag: String, folder: &Path, files: &[PathBuf]) -> Outcome<String> {
    let (Some(old), Some(path)) = (value(&tag, "integrity"), value(&tag, "href")) else {
        return Ok(tag);
    };
    // Whatever the site's own path is, the file's path in it comes last.
    let named = files.iter().find(|file| {
        let within = file.strip_prefix(folder).unwrap_or(file);
        Path::new(path).ends_with(within)
    });
    let file = named.ok_or_else(|| format!("index.html names {path}, which is not there"))?;
    Ok(tag.replace(old, &hash(file)?))
}

/// The value of an attribute; `None` if it is not there, or empty.
fn value<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = tag.split_once(&[" ", name, "=\""].concat())?;
    let (value, _) = after.split_once('"')?;
    (!value.is_empty()).then_some(value)
}

/// The hash of a file, as an `integrity` attribute has it.
fn hash(file: &Path) -> Outcome<String> {
    Ok(format!(
        "sha384-{}",
        STANDARD.encode(Sha384::digest(fs::read(file)?))
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_files_by_the_hashes_that_they_have() {
        let folder = std::env::temp_dir().join(format!("trim-{}", std::process::id()));
        let file = folder.join("a/b.js");
        fs::create_dir_all(folder.join("a")).unwrap();
        fs::write(&file, "").unwrap();
        let hash = hash(&file).unwrap();
        let page = |path: &str, hash: &str| {
            format!(
                r#"<p>x > y</p><link href="{path}" integrity="{hash}"/><link href="c" integrity=""/>"#
            )
        };
        let files = [folder.join("b.js"), file];
        let renewed = renew(
            &page("/some/place/a/b.js", "sha384-old"),
            &folder,
            &files[1..],
        )
        .unwrap();
        assert_eq!(renewed, page("/some/place/a/b.js", &hash));
        for missing in ["/some/place/b.js", "/a/xb.js"] {
            assert!(
                renew(&page(missing, "sha384-old"), &folder, &files[1..]).is_err(),
                "{missing}"
            );
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
