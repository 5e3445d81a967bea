//! Writes MPDs (ISO/IEC 23009-1).

use std::fmt::Write as _;

/// An XML element.
#[derive(Clone, Debug, Default)]
pub struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    children: Vec<Self>,
    text: String,
}

impl Element {
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.attributes.push((name, value.to_string()));
        self
    }

    /// With an attribute, if there is a value.
    #[must_use]
    pub fn with_some(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    #[must_use]
    pub fn child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    #[must_use]
    pub fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// The document of which this is the root.
    pub fn document(&self) -> String {
        let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
        self.write(&mut out, 0);
        out
    }

    fn write(&self, out: &mut String, depth: usize) {
        let indent = "  ".repeat(depth);
        let _ = write!(out, "{indent}<{}", self.name);
        for (name, value) in &self.attributes {
            let _ = write!(out, " {name}=\"{}\"", escaped(value));
        }
        if self.children.is_empty() && self.text.is_empty() {
            out.push_str("/>\n");
            return;
        }
        out.push('>');
        out.push_str(&escaped(&self.text));
        if !self.children.is_empty() {
            out.push('\n');
            for child in &self.children {
                child.write(out, depth + 1);
            }
            out.push_str(&indent);
        }
        let _ = writeln!(out, "</{}>", self.name);
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

/// The root element.
pub fn mpd(is_dynamic: bool, profile: &str) -> Element {
    let kind = if is_dynamic { "dynamic" } else { "static" };
    Element::new("MPD")
        .with("xmlns", "urn:mpeg:dash:schema:mpd:2011")
        .with("type", kind)
        .with("profiles", format!("urn:mpeg:dash:profile:{profile}:2011"))
        .with("minBufferTime", "PT2S")
}

/// A SegmentTimeline of segments, each with its time and its duration in ticks.
pub fn timeline(segments: impl IntoIterator<Item = (u64, u64)>) -> Element {
    struct Run {
        time: Option<u64>,
        duration: u64,
        repeat: u64,
    }
    let mut runs: Vec<Run> = Vec::new();
    let mut expected = None;
    for (time, duration) in segments {
        match runs.last_mut() {
            Some(run) if run.duration == duration && expected == Some(time) => run.repeat += 1,
            _ => runs.push(Run {
                time: (expected != Some(time)).then_some(time),
                duration,
                repeat: 0,
            }),
        }
        expected = Some(time + duration);
    }
    Element::new("SegmentTimeline").children(runs.into_iter().map(|run| {
        Element::new("S")
            .with_some("t", run.time)
            .with("d", run.duration)
            .with_some("r", (run.repeat > 0).then_some(run.repeat))
    }))
}

/// A descriptor, such as a Role.
pub fn descriptor(name: &'static str, scheme: &str, value: &str) -> Element {
    Element::new(name)
        .with("schemeIdUri", scheme)
        .with("value", value)
}

/// An adaptation set with a WebVTT file.
pub fn captions(language: &str, label: &str, url: &str) -> Element {
    Element::new("AdaptationSet")
        .with("contentType", "text")
        .with("mimeType", "text/vtt")
        .with("lang", language)
        .child(descriptor("Role", "urn:mpeg:dash:role:2011", "subtitle"))
        .child(Element::new("Label").text(label))
        .child(
            Element::new("Representation")
                .with("id", format!("captions-{language}"))
                .with("bandwidth", 256)
                .child(Element::new("BaseURL").text(url)),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_consecutive_segments_share_an_entry() {
        let timeline = timeline([(5, 2), (7, 2), (9, 3), (12, 3), (20, 3), (23, 2)]);
        let entries: Vec<_> = timeline.children.iter().map(|it| &it.attributes).collect();
        let written = format!("{entries:?}").replace('"', "");
        assert_eq!(
            written,
            "[[(t, 5), (d, 2), (r, 1)], [(d, 3), (r, 1)], [(t, 20), (d, 3)], [(d, 2)]]"
        );
    }

    #[test]
    fn text_and_attributes_are_escaped() {
        let element = Element::new("A").with("b", "\"<&").text("c<d");
        assert!(
            element
                .document()
                .ends_with("<A b=\"&quot;&lt;&amp;\">c&lt;d</A>\n")
        );
    }
}
