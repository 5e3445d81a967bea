//! Variable substitution (§ 4.3) and EXT-X-DEFINE (§ 4.4.2.3).

use super::{
    attributes::{attribute, hexadecimal_digit},
    limits::{EXPANDS_TOO_FAR, MAX_EXPANDED_BYTES, MAX_VARIABLES},
};

/// Names and values of the variables that a playlist defines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VariableDefinitions(Vec<(String, String)>);

impl VariableDefinitions {
    fn value(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        Some(value)
    }

    /// Replaces the variables in a playlist that was fetched from `url`, and adds those that it defines. Of two
    /// definitions of a variable the first one counts. References to undefined variables remain. Lines are trimmed and
    /// end with `\n`.
    pub(super) fn substitute(
        &mut self,
        text: &str,
        url: &str,
        imported: &Self,
    ) -> Result<String, &'static str> {
        let mut output = String::new();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for line in text.split(['\n', '\r']).map(str::trim) {
            let line_start = output.len();
            if line.starts_with('#') && !line.starts_with("#EXT-X-") {
                // There are no references in comments and titles.
                output.push_str(line);
            } else {
                self.substitute_line(&mut output, line)?;
            }
            let line = output.get(line_start..).unwrap_or_default();
            if let Some(list) = line.strip_prefix("#EXT-X-DEFINE:")
                && let Some((name, value)) = definition(list, url, imported)
                && self.value(&name).is_none()
                && self.0.len() < MAX_VARIABLES
            {
                self.0.push((name, value));
            }
            output.push('\n');
        }
        Ok(output)
    }

    fn substitute_line(&self, output: &mut String, line: &str) -> Result<(), &'static str> {
        let mut parts = line.split('{');
        output.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let reference = part
                .strip_prefix('$')
                .and_then(|rest| rest.split_once('}'))
                .and_then(|(name, rest)| Some((self.value(name)?, rest)));
            if let Some((value, rest)) = reference {
                output.push_str(value);
                output.push_str(rest);
            } else {
                output.push('{');
                output.push_str(part);
            }
            if output.len() > MAX_EXPANDED_BYTES {
                return Err(EXPANDS_TOO_FAR);
            }
        }
        Ok(())
    }
}

/// Name and value of an EXT-X-DEFINE, which has exactly one of the three attributes that name a variable.
fn definition(list: &str, url: &str, imported: &VariableDefinitions) -> Option<(String, String)> {
    let name = attribute(list, "NAME");
    let import = attribute(list, "IMPORT");
    let query_name = attribute(list, "QUERYPARAM");
    let (name, value) = match (name, import, query_name) {
        (Some(name), None, None) => (name, attribute(list, "VALUE")?.into()),
        (None, Some(name), None) => (name, imported.value(name)?.into()),
        (None, None, Some(name)) => (name, query_parameter(url, name)?),
        _ => return None,
    };
    Some((name.into(), value))
}

/// The name of the first variable that a text refers to.
pub(super) fn first_reference(text: &str) -> Option<&str> {
    let names = text
        .split("{$")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('}')?.0));
    names.into_iter().find(|name| is_variable_name(name))
}

fn is_variable_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !name.is_empty() && name.bytes().all(is_allowed)
}

/// The percent-decoded value of a parameter in a URL's query; `None` if it is missing, empty or invalid.
fn query_parameter(url: &str, name: &str) -> Option<String> {
    let (url, _) = url.split_once('#').unwrap_or((url, ""));
    let (_, query) = url.split_once('?')?;
    let encoded = query
        .split('&')
        .find_map(|parameter| parameter.strip_prefix(name)?.strip_prefix('='))
        .filter(|value| !value.is_empty())?;
    let mut bytes = encoded.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => hexadecimal_digit(bytes.next()?)? << 4 | hexadecimal_digit(bytes.next()?)?,
            _ => byte,
        };
        // A variable must not end the quoted-string (§ 4.2) or the line that it is inserted into.
        if matches!(byte, b'"' | b'\r' | b'\n') {
            return None;
        }
        decoded.push(byte);
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_query_parameters() {
        for (url, value) in [
            ("u?n=%c3%A9%41", Some("éA")),
            ("u?m=1&n=a=b#n=2", Some("a=b")),
            ("u?n=%ff", None),
            ("u?n=%2", None),
            ("u?n=%22", None),
            ("u?n=%0a", None),
            ("u#?n=1", None),
        ] {
            assert_eq!(query_parameter(url, "n").as_deref(), value, "{url}");
        }
    }
}
