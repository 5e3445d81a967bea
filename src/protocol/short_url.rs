//! Shortens URLs for messages.

/// Longer addresses are cut in the middle.
const MAX_CHARS: usize = 120;

/// A URL as messages show it: without user name and password, query and fragment, which may contain secrets, and without
/// the content of a `data:` URL.
pub fn short_url(url: &str) -> String {
    if let Some(rest) = url.strip_prefix("data:") {
        let media_type = rest.split([',', ';']).next().unwrap_or_default();
        return format!("data:{media_type}…");
    }
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let (address, secrets) = url.split_at(end);
    let mut short = without_user(address);
    let count = short.chars().count();
    if count > MAX_CHARS {
        let start: String = short.chars().take(MAX_CHARS / 2).collect();
        let end: String = short.chars().skip(count - MAX_CHARS / 2).collect();
        short = format!("{start}…{end}");
    }
    if secrets.starts_with('?') {
        short.push_str("?…");
    }
    short
}

/// Removes user name and password.
fn without_user(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.into();
    };
    let host_end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(host_end);
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_data_are_left_out() {
        for (url, short) in [
            ("https://h/a/b.mpd", "https://h/a/b.mpd"),
            ("https://h/b.mpd?token=x#t=3", "https://h/b.mpd?…"),
            ("https://h/b.mpd#access_token=x", "https://h/b.mpd"),
            ("https://user:secret@h:8/b@c.mpd", "https://h:8/b@c.mpd"),
            (
                "data:application/octet-stream;base64,AAEC",
                "data:application/octet-stream…",
            ),
            ("data:,hello", "data:…"),
            ("video.m3u8", "video.m3u8"),
            ("", ""),
        ] {
            assert_eq!(short_url(url), short);
        }
        let long = format!("https://h/{}/end.mpd", "é".repeat(500));
        let short = short_url(&long);
        assert_eq!(short.chars().count(), MAX_CHARS + 1);
        assert!(short.starts_with("https://h/") && short.ends_with("/end.mpd"));
    }
}
