//! DASH manifests (MPDs), after ISO/IEC 23009-1:2022 and the [DASH-IF
//! guidelines](https://dashif.org/guidelines/iop-v5/). What a SourceBuffer does not take (text,
//! images, trick modes) and what asks for more than this player can do is left out; an MPD of which
//! nothing remains is refused.
//!
//! A level of the MPD leaves much to all those below it, and a short text could so unfold into
//! gigabytes: whatever is inherited is counted against [`LIMIT`].

use std::rc::Rc;

use super::{
    AdaptationSet, Addresses, Availability, ByteRange, Index, Kind, Listed, Period, Place,
    Presentation, Refusal, Representation, Run, Segments, Sidx, Timestamps, kind_of,
    number::{decimal, digits},
    xml::{self, Element},
};

/// How many bytes a manifest may unfold to.
const LIMIT: usize = 64 << 20;

/// How many base URLs a representation may have.
const BASES: usize = 8;

/// How many adaptation sets may be made of one whose representations do not belong together.
const PARTS: usize = 8;

/// The part of a segment that rounding may leave between the last one and the end of the period
/// without there being another.
const SLIVER: f64 = 0.001;

/// To how many digits a template may have a number filled up: those of `u64::MAX`.
const WIDTH: usize = 20;

/// A remote element (xlink) that stands for none at all.
const NOTHING: &str = "urn:mpeg:dash:resolve-to-zero:2013";

const REMOTE: &str = "remote elements (xlink)";

/// Reads an MPD that was fetched from `url`. `resolve` makes a URL, given second, absolute by a
/// base, given first.
///
/// # Errors
/// [`Refusal`], with words for a person.
pub fn read(
    text: &str,
    url: &str,
    resolve: &dyn Fn(&str, &str) -> Option<String>,
) -> Result<Presentation, Refusal> {
    let root = xml::read(text)?;
    if root.name != "MPD" {
        let reason = ["it is not an MPD: its root element is ", root.name];
        return Err(Refusal::Malformed(reason.concat()));
    }
    let mut reader = Reader {
        resolve,
        growing: root.attribute("type") == Some("dynamic"),
        unfolded: 0,
        left_out: None,
    };
    reader.presentation(&root, url)
}

/// The path of a segment: its template with `$Number$`, `$Time$` and `$$` filled in (§ 5.3.9.4.4).
pub fn fill(media: &str, number: u64, time: u64) -> String {
    substituted(media, &|identifier| match identifier {
        "" => Some("$".to_owned()),
        "Number" => Some(number.to_string()),
        "Time" => Some(time.to_string()),
        _ => None,
    })
}

/// A template with its identifiers replaced by their values. Those without one stay as they are.
fn substituted(template: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        let Some((tag, after)) = after.split_once('$') else {
            break;
        };
        filled.push_str(before);
        let (identifier, format) = tag.split_once('%').unwrap_or((tag, ""));
        if let Some(value) = value(identifier) {
            let width = digits(format.trim_end_matches('d')).unwrap_or(0);
            let width = usize::try_from(width).unwrap_or(WIDTH).min(WIDTH);
            for _ in value.len()..width {
                filled.push('0');
            }
            filled.push_str(&value);
        } else {
            filled.push('$');
            filled.push_str(tag);
            filled.push('$');
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// What has been found out on the way through an MPD.
struct Reader<'r> {
    resolve: &'r dyn Fn(&str, &str) -> Option<String>,
    /// Whether the MPD is dynamic.
    growing: bool,
    /// How many bytes it has unfolded to.
    unfolded: usize,
    /// Why the last thing was left out that a player with more features would not have.
    left_out: Option<&'static str>,
}

/// What a level of the MPD has for those below it.
#[derive(Clone, Default)]
struct Level<'a> {
    /// Absolute URLs.
    bases: Vec<Rc<str>>,
    /// Whether a BaseURL was among them, or just the MPD's own URL.
    is_based: bool,
    is_protected: bool,
    addressing: Addressing<'a>,
}

/// Where segments are addressed: a SegmentTemplate, SegmentList or SegmentBase and those of the
/// same name at the levels above, of which it inherits what it does not say itself (§ 5.3.9.1).
#[derive(Clone, Default)]
struct Addressing<'a> {
    /// The nearest first.
    elements: Vec<&'a Element<'a>>,
    timeline: Option<&'a Element<'a>>,
    initialization: Option<&'a Element<'a>>,
    /// The nearest that has a SegmentURL.
    list: Option<&'a Element<'a>>,
}

impl<'a> Addressing<'a> {
    /// Goes down to a level.
    fn descend(&mut self, level: &'a Element<'a>) {
        let names = ["SegmentTemplate", "SegmentList", "SegmentBase"];
        let Some(element) = names.iter().find_map(|name| level.child(name)) else {
            return;
        };
        if self.name() != element.name {
            *self = Self::default();
        }
        self.elements.insert(0, element);
        self.timeline = element.child("SegmentTimeline").or(self.timeline);
        self.initialization = element.child("Initialization").or(self.initialization);
        if element.child("SegmentURL").is_some() {
            self.list = Some(element);
        }
    }

    fn name(&self) -> &'a str {
        self.elements.first().map_or("", |element| element.name)
    }

    fn attribute(&self, name: &str) -> Option<&'a str> {
        nearest(&self.elements, name)
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.attribute(name).and_then(number)
    }

    /// Ticks per second.
    fn timescale(&self) -> u64 {
        self.number("timescale").unwrap_or(1).max(1)
    }

    /// The media time in ticks at which the period begins.
    fn offset(&self) -> u64 {
        self.number("presentationTimeOffset").unwrap_or(0)
    }

    /// What is added to a media time in seconds to make it a time of the film.
    fn origin(&self, span: Span) -> f64 {
        span.start - self.offset() as f64 / self.timescale() as f64
    }

    fn first_number(&self) -> u64 {
        self.number("startNumber").unwrap_or(1)
    }

    /// Where the first segment begins that a duration tells of (§ 5.3.9.2.2, `@eptDelta`).
    fn first_time(&self) -> u64 {
        let delta = self.attribute("eptDelta").unwrap_or("0").trim();
        match delta.strip_prefix('-') {
            Some(earlier) => self.offset().saturating_sub(number(earlier).unwrap_or(0)),
            None => self.offset().saturating_add(number(delta).unwrap_or(0)),
        }
    }

    /// The init segment, if an Initialization element tells of it.
    fn listed_init(&self) -> Vec<Place> {
        let place = |init: &Element| Place {
            path: init
                .attribute("sourceURL")
                .unwrap_or_default()
                .trim()
                .to_owned(),
            range: init.attribute("range").and_then(range),
        };
        self.initialization.map(place).into_iter().collect()
    }

    fn segments(
        &self,
        layout: Layout,
        addresses: Addresses,
        inits: Vec<Place>,
        span: Span,
    ) -> Segments {
        Segments {
            timescale: self.timescale(),
            origin: self.origin(span),
            runs: layout.runs,
            addresses,
            inits,
            timestamps: Timestamps::Media,
            end: span.end,
        }
    }
}

/// Where a period begins and ends, in seconds of film.
#[derive(Clone, Copy)]
struct Span {
    start: f64,
    end: f64,
}

impl Reader<'_> {
    fn presentation(&mut self, mpd: &Element<'_>, url: &str) -> Result<Presentation, Refusal> {
        let top = Level {
            bases: vec![Rc::from(url)],
            ..Level::default()
        };
        let top = self.level(&top, mpd)?;
        let total = seconds(mpd, "mediaPresentationDuration");
        let mut periods = Vec::new();
        let mut elements = mpd
            .children("Period")
            .filter(|period| !is_nothing(period))
            .peekable();
        let mut previous_end = 0.0;
        while let Some(element) = elements.next() {
            let start = seconds(element, "start").unwrap_or(previous_end);
            if start.is_infinite() {
                // § 5.3.2.1: an early available period, which has no place in the film yet.
                if self.growing {
                    continue;
                }
                return Err(malformed("nothing says where one of its periods begins"));
            }
            let next = elements.peek();
            let last_end = if next.is_none() { total } else { None };
            let end = next
                .and_then(|next| seconds(next, "start"))
                .or_else(|| seconds(element, "duration").map(|duration| start + duration))
                .or(last_end)
                .unwrap_or(f64::INFINITY);
            let period = self.period(&top, element, Span { start, end })?;
            previous_end = period.end;
            if !period.sets.is_empty() {
                periods.push(period);
            }
        }
        let Some(last) = periods.last() else {
            return Err(match self.left_out {
                Some(reason) => Refusal::Unsupported(reason),
                None => malformed("there is neither video nor audio in it"),
            });
        };
        let end = Some(last.end).filter(|end| end.is_finite());
        Ok(Presentation {
            duration: total.or(end),
            availability: if self.growing {
                Availability::Growing
            } else {
                Availability::Whole
            },
            periods,
        })
    }

    /// A period, without sets if there is nothing in it to be played.
    fn period<'a>(
        &mut self,
        top: &Level<'a>,
        element: &'a Element<'a>,
        mut span: Span,
    ) -> Result<Period, Refusal> {
        let mut sets = Vec::new();
        if span.start < span.end {
            let level = self.level(top, element)?;
            sets = self.sets(&level, element, span)?;
            if span.end.is_infinite() && !self.growing {
                // Nothing says where it ends, unless its segments do.
                span.end = last_end(&sets);
                sets = self.sets(&level, element, span)?;
            }
        }
        if is_remote(element) && element.child("AdaptationSet").is_none() {
            self.left_out = Some(REMOTE);
        }
        Ok(Period {
            start: span.start,
            end: span.end,
            sets,
        })
    }

    fn sets<'a>(
        &mut self,
        period: &Level<'a>,
        element: &'a Element<'a>,
        span: Span,
    ) -> Result<Vec<AdaptationSet>, Refusal> {
        let mut sets = Vec::new();
        for element in element.children("AdaptationSet") {
            if is_nothing(element) || self.asks_too_much(element) {
                continue;
            }
            if is_remote(element) && element.child("Representation").is_none() {
                self.left_out = Some(REMOTE);
            }
            let level = self.level(period, element)?;
            let mut parts = self.parts(&level, element, span)?;
            sets.append(&mut parts);
        }
        Ok(sets)
    }

    /// An adaptation set, in as many parts as it takes for the representations of each to have the
    /// same kind and container, for a SourceBuffer is made for those, and for what is clear not to
    /// wait for a DRM system.
    fn parts<'a>(
        &mut self,
        level: &Level<'a>,
        set: &'a Element<'a>,
        span: Span,
    ) -> Result<Vec<AdaptationSet>, Refusal> {
        let described = described(set);
        let mut parts: Vec<AdaptationSet> = Vec::new();
        for element in set.children("Representation") {
            if self.asks_too_much(element) {
                continue;
            }
            let own = self.level(level, element)?;
            let common = |name| nearest(&[element, set], name).unwrap_or_default();
            let Some(kind) = kind(common("contentType"), common("mimeType"), common("codecs"))
            else {
                continue;
            };
            let Some(representation) = self.representation(&own, element, &common, span)? else {
                continue;
            };
            let belongs = |part: &&mut AdaptationSet| {
                let first = part.representations.first();
                part.kind == kind
                    && part.protected == own.is_protected
                    && first.is_some_and(|first| first.container == representation.container)
            };
            if let Some(part) = parts.iter_mut().rev().take(PARTS).find(belongs) {
                part.representations.push(representation);
                continue;
            }
            self.unfold(described.language.len() + described.label.len())?;
            parts.push(AdaptationSet {
                kind,
                protected: own.is_protected,
                representations: vec![representation],
                ..described.clone()
            });
        }
        for part in &mut parts {
            part.representations
                .sort_unstable_by_key(|representation| representation.bandwidth);
        }
        Ok(parts)
    }

    /// A representation, if there is anything to fetch of it. `common` tells the attributes that it
    /// may inherit from its set (§ 5.3.7).
    fn representation<'a>(
        &mut self,
        level: &Level<'a>,
        element: &'a Element<'a>,
        common: &dyn Fn(&'static str) -> &'a str,
        span: Span,
    ) -> Result<Option<Representation>, Refusal> {
        let names = Names {
            id: element.attribute("id").unwrap_or_default(),
            bandwidth: element.attribute("bandwidth").and_then(number).unwrap_or(0),
        };
        let Some(index) = self.index(level, &names, span)? else {
            return Ok(None);
        };
        let container = common("mimeType").split(';').next().unwrap_or_default();
        let codecs = common("codecs");
        self.unfold(size_of::<Representation>() + names.id.len() + container.len() + codecs.len())?;
        let pixels = |name| {
            let pixels = number(common(name)).unwrap_or(0);
            u32::try_from(pixels).unwrap_or(0)
        };
        Ok(Some(Representation {
            id: names.id.to_owned(),
            bandwidth: names.bandwidth,
            size: (pixels("width"), pixels("height")),
            frame_rate: frame_rate(common("frameRate")).unwrap_or(0.0),
            container: container.trim().to_owned(),
            codecs: codecs.trim().to_owned(),
            bases: level.bases.clone(),
            index,
        }))
    }

    /// Where the segments of a representation are; `None`, with a reason left behind, if there are
    /// none or they are out of reach.
    fn index(
        &mut self,
        level: &Level,
        names: &Names,
        span: Span,
    ) -> Result<Option<Index>, Refusal> {
        let addressing = &level.addressing;
        if level.bases.is_empty() {
            return Ok(self.leave_out("a BaseURL that is no URL"));
        }
        let segments = match addressing.name() {
            "SegmentTemplate" => self.template(addressing, names, span)?,
            "SegmentList" => self.list(addressing, span)?,
            _ => return Ok(self.file(level, span).map(Index::Sidx)),
        };
        Ok(segments.map(|segments| Index::Known(Rc::new(segments))))
    }

    /// § 5.3.9.2: a file with a segment index, or one in which to look for it.
    fn file(&mut self, level: &Level, span: Span) -> Option<Sidx> {
        let addressing = &level.addressing;
        let init = addressing.initialization;
        if !level.is_based {
            return self.leave_out("a representation without segments");
        }
        if init.is_some_and(|init| init.attribute("sourceURL").is_some()) {
            return self.leave_out("an init segment in another file than the segment index");
        }
        Some(Sidx {
            path: String::new(),
            index: addressing.attribute("indexRange").and_then(range),
            init: init.and_then(|init| range(init.attribute("range")?)),
            origin: addressing.origin(span),
            end: span.end,
        })
    }

    /// § 5.3.9.4: segments whose paths follow a pattern.
    fn template(
        &mut self,
        addressing: &Addressing,
        names: &Names,
        span: Span,
    ) -> Result<Option<Segments>, Refusal> {
        let Some(media) = addressing.attribute("media") else {
            return Ok(self.leave_out("a SegmentTemplate without media"));
        };
        let last_number = addressing.number("endNumber").unwrap_or(u64::MAX);
        let Some(layout) = self.layout(addressing, span, last_number)? else {
            return Ok(None);
        };
        let media = self.named(media, names)?;
        let inits = match addressing.attribute("initialization") {
            Some(init) => vec![Place {
                path: fill(&self.named(init, names)?, 0, 0),
                range: None,
            }],
            None => addressing.listed_init(),
        };
        let addresses = if layout.is_consecutive() || !media.contains("$Number") {
            Addresses::Template {
                start_number: layout.first_number(),
                media,
            }
        } else {
            // A template counts from one number on; where numbers are missing, each segment is
            // listed.
            let path = |number, time| Place {
                path: fill(&media, number, time),
                range: None,
            };
            // An identifier of 6 characters becomes a number of up to 20.
            self.listed(&layout, 4 * media.len(), &path, &inits)?
        };
        Ok(Some(addressing.segments(layout, addresses, inits, span)))
    }

    /// § 5.3.9.3: segments that are listed.
    fn list(&mut self, addressing: &Addressing, span: Span) -> Result<Option<Segments>, Refusal> {
        let Some(list) = addressing.list else {
            return Ok(self.leave_out("an empty or remote SegmentList"));
        };
        self.unfold(list.children.len() * size_of::<&Element>())?;
        let urls: Vec<&Element> = list.children("SegmentURL").collect();
        let first_number = addressing.first_number();
        let last_number = first_number.saturating_add(urls.len() as u64 - 1);
        let Some(layout) = self.layout(addressing, span, last_number)? else {
            return Ok(None);
        };
        let place = |number: u64, _| {
            let nth = usize::try_from(number.saturating_sub(first_number)).ok();
            let url = nth.and_then(|nth| urls.get(nth));
            let attribute = |name| url.and_then(|url| url.attribute(name));
            Place {
                path: attribute("media").unwrap_or_default().trim().to_owned(),
                range: attribute("mediaRange").and_then(range),
            }
        };
        let inits = addressing.listed_init();
        let bytes = urls
            .iter()
            .map(|url| url.attribute("media").map_or(0, str::len));
        self.unfold(bytes.sum())?;
        let addresses = self.listed(&layout, 0, &place, &inits)?;
        Ok(Some(addressing.segments(layout, addresses, inits, span)))
    }

    /// Lists the segments of a layout one by one.
    fn listed(
        &mut self,
        layout: &Layout,
        path_bytes: usize,
        place: &dyn Fn(u64, u64) -> Place,
        inits: &[Place],
    ) -> Result<Addresses, Refusal> {
        let count = usize::try_from(layout.count()).unwrap_or(usize::MAX);
        self.unfold(count.saturating_mul(size_of::<Listed>() + path_bytes))?;
        let mut list = Vec::with_capacity(count);
        for (run, first_number) in layout.runs.iter().zip(&layout.numbers) {
            for nth in 0..run.count {
                list.push(Listed {
                    place: place(first_number + nth, run.time + nth * run.duration),
                    init: (!inits.is_empty()).then_some(0),
                    ..Listed::default()
                });
            }
        }
        Ok(Addresses::Listed(list))
    }

    /// When the segments of a representation are played; `None` if there are none in the period.
    fn layout(
        &mut self,
        addressing: &Addressing,
        span: Span,
        last_number: u64,
    ) -> Result<Option<Layout>, Refusal> {
        let mut layout = Layout {
            timescale: addressing.timescale(),
            offset: addressing.offset(),
            length: span.end - span.start,
            is_endless: span.end.is_infinite() && !self.growing,
            last_number,
            runs: Vec::new(),
            numbers: Vec::new(),
        };
        let first_number = addressing.first_number();
        if let Some(timeline) = addressing.timeline {
            self.unfold(timeline.children.len() * size_of::<(Run, u64)>())?;
            layout.follow(timeline, first_number)?;
        } else {
            let duration = addressing
                .number("duration")
                .filter(|duration| *duration > 0);
            if layout.is_endless && (duration.is_none() || last_number == u64::MAX) {
                return Err(endless());
            }
            match duration {
                Some(duration) => {
                    layout.add(addressing.first_time(), duration, u64::MAX, first_number);
                }
                // § 5.3.9.2.1: without a duration there is one segment, and it is as long as the
                // period.
                None => layout.add(layout.offset, layout.whole(), 1, first_number),
            }
        }
        if layout.runs.is_empty() {
            return Ok(self.leave_out("segments that lie outside of their period"));
        }
        Ok(Some(layout))
    }

    /// A template with `$RepresentationID$` and `$Bandwidth$` filled in. What is left is for
    /// [`fill`], so a `$` in the id is doubled.
    fn named(&mut self, template: &str, names: &Names) -> Result<String, Refusal> {
        // An identifier of 18 characters becomes at most the id with each character doubled.
        let growth = 1 + names.id.len() / 9;
        self.unfold(template.len().saturating_mul(growth))?;
        Ok(substituted(template, &|identifier| match identifier {
            "RepresentationID" => Some(names.id.replace('$', "$$")),
            "Bandwidth" => Some(names.bandwidth.to_string()),
            _ => None,
        }))
    }

    fn level<'a>(
        &mut self,
        above: &Level<'a>,
        element: &'a Element<'a>,
    ) -> Result<Level<'a>, Refusal> {
        let mut level = above.clone();
        level.addressing.descend(element);
        level.is_protected |= element.child("ContentProtection").is_some();
        if element.child("BaseURL").is_some() {
            level.is_based = true;
            level.bases = self.bases(&above.bases, element)?;
        }
        Ok(level)
    }

    /// § 5.6.4: every base of the level above with every BaseURL of this one, by descending
    /// priority (ETSI TS 103 285 § 10.8.2.1).
    fn bases(&mut self, above: &[Rc<str>], element: &Element) -> Result<Vec<Rc<str>>, Refusal> {
        let mut urls: Vec<(u64, &str)> = Vec::new();
        for element in element.children("BaseURL").take(BASES) {
            let priority = element
                .attribute("dvb:priority")
                .and_then(number)
                .unwrap_or(1);
            let at = urls.partition_point(|(other, _)| *other <= priority);
            urls.insert(at, (priority, element.text.trim()));
        }
        let mut bases: Vec<Rc<str>> = Vec::new();
        for base in above {
            for (_, url) in &urls {
                self.unfold(base.len() + url.len())?;
                if let Some(url) = (self.resolve)(base, url)
                    && bases.len() < BASES
                    && !bases.iter().any(|other| **other == *url)
                {
                    bases.push(Rc::from(url));
                }
            }
        }
        Ok(bases)
    }

    /// Whether a set or a representation is one only for players with more features than this.
    fn asks_too_much(&mut self, element: &Element) -> bool {
        let is_harmless = |scheme: &str| {
            scheme.starts_with("urn:mpeg:mpegB:cicp:")
                || scheme == "urn:mpeg:dash:adaptation-set-switching:2016"
        };
        let mut properties = element.children("EssentialProperty");
        if !properties.all(|property| property.attribute("schemeIdUri").is_some_and(is_harmless)) {
            self.left_out = Some("an EssentialProperty that it does not know");
        } else if element.attribute("dependencyId").is_some() {
            self.left_out = Some("video in layers (dependencyId)");
        } else {
            return false;
        }
        true
    }

    /// Leaves something out, and its reason behind.
    fn leave_out<T>(&mut self, reason: &'static str) -> Option<T> {
        self.left_out = Some(reason);
        None
    }

    /// Counts what the manifest unfolds to.
    fn unfold(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.unfolded = self.unfolded.saturating_add(bytes);
        if self.unfolded > LIMIT {
            return Err(Refusal::Unsupported(
                "a manifest that unfolds to more than 64 MB",
            ));
        }
        Ok(())
    }
}

/// The segments of a representation, while they are laid out along its media time.
struct Layout {
    timescale: u64,
    /// The media time at which the period begins.
    offset: u64,
    /// Seconds that the period lasts.
    length: f64,
    /// Whether nothing says where it ends, and yet nothing more will come.
    is_endless: bool,
    last_number: u64,
    runs: Vec<Run>,
    /// Of each run the number of its first segment.
    numbers: Vec<u64>,
}

impl Layout {
    /// Lays out what a SegmentTimeline says (§ 5.3.9.6).
    fn follow(&mut self, timeline: &Element, first_number: u64) -> Result<(), Refusal> {
        let (mut time, mut next_number) = (0, first_number);
        let mut entries = timeline.children("S").peekable();
        while let Some(entry) = entries.next() {
            let said = |name| entry.attribute(name).and_then(number);
            time = said("t").unwrap_or(time);
            next_number = said("n").unwrap_or(next_number);
            let Some(duration) = said("d").filter(|duration| *duration > 0) else {
                continue;
            };
            let repeat = entry.attribute("r").unwrap_or("0").trim();
            let count = if repeat.starts_with('-') {
                let next = entries.peek().and_then(|next| next.attribute("t"));
                match next.and_then(number) {
                    Some(next) => next.saturating_sub(time).div_ceil(duration),
                    None if self.is_endless => return Err(endless()),
                    None => self.room(time, duration),
                }
            } else {
                number(repeat).unwrap_or(0).saturating_add(1)
            };
            self.add(time, duration, count, next_number);
            time = time.saturating_add(duration.saturating_mul(count));
            next_number = next_number.saturating_add(count);
        }
        Ok(())
    }

    /// Adds segments of a duration, as far as they are in the period and after those that are there
    /// already. Where the last of those overlaps them, it is shortened.
    fn add(&mut self, time: u64, duration: u64, count: u64, number: u64) {
        let numbers = (self.last_number.saturating_add(1)).saturating_sub(number);
        let count = count.min(self.room(time, duration)).min(numbers);
        let before_period = self.offset.saturating_sub(time) / duration;
        let (last_time, first) = match self.runs.last() {
            Some(last) => (
                last.time + last.duration * (last.count - 1),
                last.first + last.count,
            ),
            None => (0, 0),
        };
        let passed_by = if first > 0 && time <= last_time {
            (last_time - time) / duration + 1
        } else {
            0
        };
        let passed = before_period.max(passed_by);
        if passed >= count {
            return;
        }
        let time = time + duration * passed;
        self.shorten_last(time);
        self.runs.push(Run {
            time,
            duration,
            count: count - passed,
            first,
        });
        self.numbers.push(number.saturating_add(passed));
    }

    /// Lets the last segment end by a time that lies after its beginning.
    fn shorten_last(&mut self, end: u64) {
        let (Some(last), Some(number)) = (self.runs.last_mut(), self.numbers.last()) else {
            return;
        };
        let before = last.count - 1;
        let time = last.time + last.duration * before;
        let duration = end.saturating_sub(time).min(last.duration);
        if duration == last.duration {
            return;
        }
        let shortened = Run {
            time,
            duration,
            count: 1,
            first: last.first + before,
        };
        if before == 0 {
            *last = shortened;
        } else {
            last.count = before;
            let number = number.saturating_add(before);
            self.runs.push(shortened);
            self.numbers.push(number);
        }
    }

    /// How many segments of a duration begin between a media time and the end of the period. The
    /// last of them still ends at a time that can be counted.
    fn room(&self, time: u64, duration: u64) -> u64 {
        let played = if time < self.offset {
            -((self.offset - time) as f64)
        } else {
            (time - self.offset) as f64
        };
        let left = self.length * self.timescale as f64 - played;
        let count = (left / duration as f64 - SLIVER).ceil() as u64;
        count.min((u64::MAX - time) / duration)
    }

    /// The duration of a segment that lasts as long as the period.
    fn whole(&self) -> u64 {
        let ticks = (self.length * self.timescale as f64).ceil() as u64;
        ticks.min(u64::MAX - self.offset).max(1)
    }

    fn count(&self) -> u64 {
        self.runs.last().map_or(0, |last| last.first + last.count)
    }

    fn first_number(&self) -> u64 {
        self.numbers.first().copied().unwrap_or(0)
    }

    /// Whether the segments are numbered without a gap.
    fn is_consecutive(&self) -> bool {
        let mut numbered = self.runs.iter().zip(&self.numbers);
        numbered.all(|(run, number)| number.checked_sub(self.first_number()) == Some(run.first))
    }
}

/// The attributes of a representation that templates name.
struct Names<'a> {
    id: &'a str,
    bandwidth: u64,
}

/// What a set says of itself, but for its kind and its representations.
fn described(set: &Element) -> AdaptationSet {
    let language = set.attribute("lang").unwrap_or_default().trim();
    let label = set.child("Label").map(|label| &*label.text);
    let label = label.or_else(|| set.attribute("label")).unwrap_or_default();
    let plays = |roles: &[&str]| {
        let mut values = set
            .children("Role")
            .filter_map(|role| role.attribute("value"));
        values.any(|value| roles.contains(&value))
    };
    AdaptationSet {
        // RFC 5646 § 4.1: `und` is for where something has to be said and nothing is known.
        language: if language == "und" { "" } else { language }.to_owned(),
        label: label.trim().to_owned(),
        main: plays(&["main"]) && !plays(&["description", "commentary"]),
        ..AdaptationSet::default()
    }
}

/// What a representation is for; `None` for text, images and what nobody knows.
fn kind(content: &str, container: &str, codecs: &str) -> Option<Kind> {
    let category = container.split('/').next().unwrap_or_default().trim();
    match (category, content) {
        ("text" | "image" | "font", _) => None,
        ("audio", _) | (_, "audio") => Some(Kind::Audio),
        (_, "video") => Some(Kind::Video),
        (_, "") if !codecs.is_empty() => {
            let has = |kind| codecs.split(',').any(|codec| kind_of(codec) == Some(kind));
            if has(Kind::Video) {
                Some(Kind::Video)
            } else {
                has(Kind::Audio).then_some(Kind::Audio)
            }
        }
        ("video", "") => Some(Kind::Video),
        _ => None,
    }
}

/// Where the last segment of a period ends; infinite if a segment index has yet to be read for
/// that.
fn last_end(sets: &[AdaptationSet]) -> f64 {
    let mut representations = sets.iter().flat_map(|set| &set.representations);
    let end = |representation: &Representation| match &representation.index {
        Index::Known(segments) => segments.span().map(|(_, end)| end),
        _ => None,
    };
    let last = representations.try_fold(0.0, |last: f64, next| Some(last.max(end(next)?)));
    last.filter(|last| *last > 0.0).unwrap_or(f64::INFINITY)
}

/// The value of an attribute at the nearest level that has it.
fn nearest<'a>(elements: &[&'a Element<'a>], name: &str) -> Option<&'a str> {
    elements.iter().find_map(|element| element.attribute(name))
}

fn is_nothing(element: &Element) -> bool {
    element.attribute("xlink:href") == Some(NOTHING)
}

fn is_remote(element: &Element) -> bool {
    element.attribute("xlink:href").is_some()
}

fn malformed(reason: &str) -> Refusal {
    Refusal::Malformed(reason.to_owned())
}

fn endless() -> Refusal {
    malformed("nothing says where one of its periods ends")
}

/// A whole number, with blanks around it.
fn number(text: &str) -> Option<u64> {
    digits(text.trim())
}

/// Frames per second, such as `25` or `30000/1001`.
fn frame_rate(text: &str) -> Option<f64> {
    let (frames, seconds) = text.split_once('/').unwrap_or((text, "1"));
    let rate = decimal(frames)? / decimal(seconds)?;
    rate.is_finite().then_some(rate)
}

/// A byte range such as `0-719` or `720-`.
fn range(text: &str) -> Option<ByteRange> {
    let (first, last) = text.trim().split_once('-')?;
    let first = digits(first)?;
    let last = if last.is_empty() {
        None
    } else {
        Some(digits(last)?)
    };
    (last.is_none_or(|last| first <= last)).then_some(ByteRange { first, last })
}

/// The seconds of an attribute that is an `xs:duration`.
fn seconds(element: &Element, name: &str) -> Option<f64> {
    duration(element.attribute(name)?)
}

/// An `xs:duration` such as `PT1H2M3.5S`, in seconds. A year has 365 days here, and a month 30.
fn duration(text: &str) -> Option<f64> {
    let text = text.trim().strip_prefix('P')?;
    let (date, time) = text.split_once('T').unwrap_or((text, ""));
    let days = sum(
        date,
        &[('Y', 31_536_000.0), ('M', 2_592_000.0), ('D', 86_400.0)],
    )?;
    let hours = sum(time, &[('H', 3600.0), ('M', 60.0), ('S', 1.0)])?;
    (!text.is_empty()).then_some(days + hours)
}

/// The sum of numbers that are each followed by the letter of their unit.
fn sum(text: &str, units: &[(char, f64)]) -> Option<f64> {
    let mut rest = text;
    let mut sum = 0.0;
    for (letter, seconds) in units {
        if let Some((amount, after)) = rest.split_once(*letter) {
            sum += decimal(amount)? * seconds;
            rest = after;
        }
    }
    rest.is_empty().then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fmt::Debug, time::Instant};

    /// As far as these tests need: the last part of the base's path is replaced.
    fn resolve(base: &str, relative: &str) -> Option<String> {
        if relative.contains("://") {
            return Some(relative.to_owned());
        }
        let (folder, _) = base.rsplit_once('/')?;
        (!relative.contains(' ')).then(|| [folder, "/", relative].concat())
    }

    fn mpd(text: &str) -> Result<Presentation, Refusal> {
        read(text, "http://x/a/film.mpd", &resolve)
    }

    /// An MPD of 10 s with one period.
    fn film(period: &str) -> Presentation {
        let start = "<MPD mediaPresentationDuration='PT10S'><Period>";
        mpd(&[start, period, "</Period></MPD>"].concat()).unwrap()
    }

    /// An adaptation set of one representation, in a film of 10 s.
    fn representation(inner: &str) -> Representation {
        let film = film(&of_set(inner));
        film.periods[0].sets[0].representations[0].clone()
    }

    fn of_set(inner: &str) -> String {
        let start = "<AdaptationSet mimeType='video/mp4'>\
            <Representation id='v' bandwidth='500'>";
        [start, inner, "</Representation></AdaptationSet>"].concat()
    }

    fn segments_of(representation: &Representation) -> &Segments {
        match &representation.index {
            Index::Known(segments) => segments,
            other => panic!("{other:?}"),
        }
    }

    /// Paths, beginnings and ends of the first segments.
    fn listing(representation: &Representation) -> Vec<(String, f64, f64)> {
        let segments = segments_of(representation);
        (0..segments.len().min(20))
            .map(|number| {
                let segment = segments.get(number).unwrap();
                (segment.place.path, segment.start, segment.end)
            })
            .collect()
    }

    fn played(inner: &str) -> Vec<(String, f64, f64)> {
        listing(&representation(inner))
    }

    fn is(listing: Vec<(String, f64, f64)>, expected: &[(&str, f64, f64)]) {
        let listing: Vec<_> = (listing.iter())
            .map(|(path, start, end)| (path.as_str(), *start, *end))
            .collect();
        assert_eq!(listing, expected);
    }

    fn refused<T: Debug>(result: Result<T, Refusal>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn templates_are_filled() {
        for (template, expected) in [
            ("$Number$.m4s", "7.m4s"),
            ("a/$Number%05d$_$Time$.m4s", "a/00007_123.m4s"),
            ("$Time%02d$", "123"),
            ("$$$Time$$$", "$123$"),
            ("$Number%1000000000d$", "00000000000000000007"),
            ("$Number%99999999999999999999d$", "7"),
            ("$SubNumber$-$x", "$SubNumber$-$x"),
            ("5$", "5$"),
            ("", ""),
        ] {
            assert_eq!(fill(template, 7, 123), expected, "{template}");
        }
    }

    #[test]
    fn durations_are_read() {
        for (text, expected) in [
            ("PT1H2M3.5S", Some(3723.5)),
            ("P1DT1S", Some(86_401.0)),
            ("P1Y2M", Some(36_720_000.0)),
            ("PT0H3M1.63S", Some(181.63)),
            (" PT2S ", Some(2.0)),
            ("PT", Some(0.0)),
            ("P", None),
            ("-PT1S", None),
            ("PT1", None),
            ("1S", None),
            ("PT1S2M", None),
            ("PTxS", None),
        ] {
            assert_eq!(duration(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_mpd_is_refused() {
        let html = "it is not an MPD: its root element is html";
        assert_eq!(refused(mpd("<html></html>")), html);
        assert_eq!(
            refused(mpd("<MPD><Period/></MPD>")),
            "there is neither video nor audio in it"
        );
    }

    #[test]
    fn names_are_filled_in_while_reading_and_cannot_be_taken_for_others() {
        let film = film(
            "<AdaptationSet mimeType='video/mp4'><SegmentTemplate duration='10' \
             media='$RepresentationID$/$Bandwidth%06d$/$Number$$$' \
             initialization='$RepresentationID$$$'/>\
             <Representation id='$Time$' bandwidth='500'/></AdaptationSet>",
        );
        let representation = &film.periods[0].sets[0].representations[0];
        let segment = segments_of(representation).get(0).unwrap();
        assert_eq!(segment.place.path, "$Time$/000500/1$");
        assert_eq!(segment.init.unwrap().path, "$Time$$");
    }

    #[test]
    fn the_last_segment_ends_with_the_period() {
        is(
            played(
                "<SegmentTemplate media='$Number$-$Time$' timescale='10' duration='40' \
                startNumber='0' presentationTimeOffset='5'/>",
            ),
            &[("0-5", 0.0, 4.0), ("1-45", 4.0, 8.0), ("2-85", 8.0, 10.0)],
        );
    }

    #[test]
    fn rounding_makes_no_further_segment() {
        for (period, count) in [
            ("PT9.999S", 3),
            ("PT10S", 3),
            ("PT10.001S", 3),
            ("PT10.01S", 4),
            ("PT384S", 116),
        ] {
            let text = [
                "<MPD><Period duration='",
                period,
                "'>",
                &of_set("<SegmentTemplate media='$Number$' timescale='3' duration='10'/>"),
                "</Period></MPD>",
            ]
            .concat();
            let film = mpd(&text).unwrap();
            let segments = segments_of(&film.periods[0].sets[0].representations[0]).clone();
            assert_eq!(segments.len(), count, "{period}");
        }
    }

    #[test]
    fn the_end_number_and_the_ept_delta_count() {
        is(
            played(
                "<SegmentTemplate media='$Number$' duration='4' startNumber='7' endNumber='8' \
                presentationTimeOffset='9' eptDelta='-1'/>",
            ),
            &[("7", -1.0, 3.0), ("8", 3.0, 7.0)],
        );
    }

    #[test]
    fn without_a_duration_a_segment_lasts_as_long_as_the_period() {
        is(
            played("<SegmentTemplate media='all.mp4' presentationTimeOffset='3'/>"),
            &[("all.mp4", 0.0, 10.0)],
        );
    }

    /// S elements, and what is to be played of them in a period of 10 s that begins at media time
    /// 2.
    #[test]
    fn timelines_are_followed() {
        type Listing<'a> = &'a [(&'a str, f64, f64)];
        let table: [(&str, Listing); 12] = [
            // ISO/IEC 23009-1 § 5.3.9.6.1: repeated, and by what follows.
            (
                "<S t='2' d='3' r='1'/><S d='1'/>",
                &[("1-2", 0.0, 3.0), ("2-5", 3.0, 6.0), ("3-8", 6.0, 7.0)],
            ),
            // A negative count goes to the next entry, or to the end of the period.
            (
                "<S t='2' d='2' r='-1'/><S t='6' d='3' r='-1'/>",
                &[
                    ("1-2", 0.0, 2.0),
                    ("2-4", 2.0, 4.0),
                    ("3-6", 4.0, 7.0),
                    ("4-9", 7.0, 10.0),
                ],
            ),
            // A gap in time is none in numbers.
            (
                "<S t='2' d='2'/><S t='8' d='2'/>",
                &[("1-2", 0.0, 2.0), ("2-8", 6.0, 8.0)],
            ),
            // Numbers may be told.
            (
                "<S t='2' d='2' n='5' r='1'/>",
                &[("5-2", 0.0, 2.0), ("6-4", 2.0, 4.0)],
            ),
            (
                "<S t='2' d='2'/><S d='2' n='9'/>",
                &[("1-2", 0.0, 2.0), ("9-4", 2.0, 4.0)],
            ),
            // What is over before the period begins, or begins when it is over.
            (
                "<S t='0' d='1' r='2'/><S d='8' r='2'/>",
                &[("3-2", 0.0, 1.0), ("4-3", 1.0, 9.0), ("5-11", 9.0, 10.0)],
            ),
            (
                "<S t='0' d='3'/><S t='11' d='3'/><S t='12' d='3'/>",
                &[("1-0", -2.0, 1.0), ("2-11", 9.0, 10.0)],
            ),
            // Overlaps: what is there already is shortened, what would begin before it is left out.
            (
                "<S t='2' d='3' r='1'/><S t='7' d='3'/>",
                &[("1-2", 0.0, 3.0), ("2-5", 3.0, 5.0), ("3-7", 5.0, 8.0)],
            ),
            (
                "<S t='4' d='3'/><S t='2' d='2' r='2'/>",
                &[("1-4", 2.0, 4.0), ("4-6", 4.0, 6.0)],
            ),
            ("<S t='2' d='3'/><S t='2' d='3'/>", &[("1-2", 0.0, 3.0)]),
            // No duration.
            ("<S t='2' d='0' r='9'/><S d='4'/>", &[("1-2", 0.0, 4.0)]),
            (
                "<S t='2' d='4' r='999999999999999999999'/>",
                &[("1-2", 0.0, 4.0)],
            ),
        ];
        for (timeline, expected) in table {
            let inner = [
                "<SegmentTemplate media='$Number$-$Time$' \
                presentationTimeOffset='2'><SegmentTimeline>",
                timeline,
                "</SegmentTimeline></SegmentTemplate>",
            ];
            is(played(&inner.concat()), expected);
        }
    }

    #[test]
    fn lists_are_read() {
        let of = representation(
            "<BaseURL>v.mp4</BaseURL><SegmentList duration='4'><Initialization range='0-9'/>\
             <SegmentURL mediaRange='10-19'/><SegmentURL media='b' \
             mediaRange='20-'/></SegmentList>",
        );
        is(listing(&of), &[("", 0.0, 4.0), ("b", 4.0, 8.0)]);
        let segment = segments_of(&of).get(1).unwrap();
        let from = |first, last| Some(ByteRange { first, last });
        assert_eq!(segment.place.range, from(20, None));
        assert_eq!(segment.init.unwrap().range, from(0, Some(9)));
        assert_eq!(&*of.bases[0], "http://x/a/v.mp4");
        is(
            played(
                "<SegmentList><SegmentTimeline><S t='0' d='3'/><S d='4' r='7'/></SegmentTimeline>\
                <SegmentURL media='a'/><SegmentURL media='b'/></SegmentList>",
            ),
            &[("a", 0.0, 3.0), ("b", 3.0, 7.0)],
        );
    }

    #[test]
    fn a_file_is_looked_into() {
        let of = representation(
            "<BaseURL>v.mp4</BaseURL><SegmentBase timescale='2' presentationTimeOffset='4' \
             indexRange='700-999'><Initialization range='0-699'/></SegmentBase>",
        );
        let range = |first, last| {
            let last = Some(last);
            Some(ByteRange { first, last })
        };
        let sidx = Sidx {
            path: String::new(),
            index: range(700, 999),
            init: range(0, 699),
            origin: -2.0,
            end: 10.0,
        };
        assert_eq!(of.index, Index::Sidx(sidx));
        let Index::Sidx(sidx) = representation("<BaseURL>v.mp4</BaseURL>").index else {
            panic!("no file");
        };
        assert_eq!(sidx.index, None);
    }

    #[test]
    fn what_is_not_said_is_inherited() {
        let film = film(
            "<SegmentTemplate timescale='2' startNumber='3' media='p/$Number$'/>\
             <AdaptationSet contentType='video' mimeType='video/mp4' codecs='avc1' width='640' \
             height='360' frameRate='30000/1001'>\
             <SegmentTemplate media='s/$Number$' initialization='i'><SegmentTimeline><S \
             d='12'/><S d='8'/></SegmentTimeline></SegmentTemplate>\
             <Representation id='b' bandwidth='20' width='1280' height='720'><SegmentTemplate \
             startNumber='8'/></Representation>\
             <Representation id='a' bandwidth='10'/>\
             <Representation id='c' \
             bandwidth='30'><BaseURL>c.mp4</BaseURL><SegmentBase/></Representation>\
             </AdaptationSet>",
        );
        let [a, b, c] = &film.periods[0].sets[0].representations[..] else {
            panic!("{film:?}");
        };
        assert_eq!(
            (a.id.as_str(), a.size, &*a.codecs),
            ("a", (640, 360), "avc1")
        );
        assert_eq!((b.id.as_str(), b.size), ("b", (1280, 720)));
        assert!((a.frame_rate - 29.97).abs() < 0.001);
        is(listing(a), &[("s/3", 0.0, 6.0), ("s/4", 6.0, 10.0)]);
        is(listing(b), &[("s/8", 0.0, 6.0), ("s/9", 6.0, 10.0)]);
        assert!(matches!(c.index, Index::Sidx(_)));
    }

    #[test]
    fn every_base_is_combined_with_those_above() {
        let text = "<MPD mediaPresentationDuration='PT1S'><BaseURL>http://one/</BaseURL>\
            <BaseURL dvb:priority='3'>http://three/</BaseURL><BaseURL \
            dvb:priority='2'>two/</BaseURL>\
            <Period><BaseURL>p/</BaseURL>"
            .to_owned()
            + &of_set("<SegmentTemplate media='m'/>")
            + "</Period></MPD>";
        let alternatives = mpd(&text).unwrap();
        let bases: Vec<&str> = (alternatives.periods[0].sets[0].representations[0]
            .bases
            .iter())
        .map(|base| &**base)
        .collect();
        assert_eq!(
            bases,
            ["http://one/p/", "http://x/a/two/p/", "http://three/p/"]
        );
        let many = "<BaseURL>a/</BaseURL><BaseURL>b/</BaseURL><BaseURL>c/</BaseURL>";
        let set = of_set(&[many, "<SegmentTemplate media='m'/>"].concat());
        let film = film(&[many, &set].concat());
        let bases = &film.periods[0].sets[0].representations[0].bases;
        assert_eq!(bases.len(), BASES);
        assert_eq!(&*bases[0], "http://x/a/a/a/");
        assert_eq!(&*bases[1], "http://x/a/a/b/");
    }

    #[test]
    fn periods_follow_each_other() {
        let set = of_set("<SegmentTemplate media='$Number$' duration='2'/>");
        let period = |attributes: &str| ["<Period ", attributes, ">", &set, "</Period>"].concat();
        let spans = |periods: &[&str]| {
            let periods: Vec<String> = periods
                .iter()
                .map(|attributes| period(attributes))
                .collect();
            let text = [
                "<MPD mediaPresentationDuration='PT30S'>",
                &periods.concat(),
                "</MPD>",
            ];
            let film = mpd(&text.concat()).unwrap();
            let spans = film.periods.iter().map(|period| (period.start, period.end));
            spans.collect::<Vec<_>>()
        };
        assert_eq!(spans(&[""]), [(0.0, 30.0)]);
        assert_eq!(spans(&["duration='PT4S'", "",]), [(0.0, 4.0), (4.0, 30.0)]);
        assert_eq!(
            spans(&[
                "start='PT1S'",
                "start='PT5S' duration='PT9S'",
                "start='PT6S' duration='PT9S'"
            ]),
            [(1.0, 5.0), (5.0, 6.0), (6.0, 15.0)]
        );
        assert_eq!(
            spans(&[
                "duration='PT0S'",
                "xlink:href='urn:mpeg:dash:resolve-to-zero:2013' duration='PT9S'",
                "duration='PT3S'",
            ]),
            [(0.0, 3.0)]
        );
        let endless = ["<MPD>", &period(""), "</MPD>"].concat();
        assert_eq!(
            refused(mpd(&endless)),
            "nothing says where one of its periods ends"
        );
    }

    #[test]
    fn segments_tell_the_end_where_nothing_else_does() {
        let timeline = "<SegmentTemplate media='$Number$'><SegmentTimeline><S t='0' d='3' r='2'/>\
            </SegmentTimeline></SegmentTemplate>";
        let period = ["<Period>", &of_set(timeline), "</Period>"].concat();
        let film = mpd(&["<MPD>", &period, &period, "</MPD>"].concat()).unwrap();
        assert_eq!(film.duration, Some(18.0));
        let second = &film.periods[1];
        assert_eq!((second.start, second.end), (9.0, 18.0));
        let segments = segments_of(&second.sets[0].representations[0]);
        assert_eq!(segments.span(), Some((9.0, 18.0)));
        let file = of_set("<BaseURL>v.mp4</BaseURL>");
        let film = mpd(&["<MPD><Period>", &file, "</Period></MPD>"].concat()).unwrap();
        assert_eq!((film.duration, film.periods[0].end), (None, f64::INFINITY));
    }

    #[test]
    fn a_dynamic_mpd_grows() {
        for inner in [
            "<SegmentTemplate media='$Number$' duration='2'/>",
            "<SegmentTemplate media='$Number$'/>",
            "<SegmentTemplate media='$Time$'><SegmentTimeline><S t='9' d='2' \
            r='-1'/></SegmentTimeline></SegmentTemplate>",
        ] {
            let text = [
                "<MPD type='dynamic' availabilityStartTime='2020-01-01T00:00:00Z'><Period \
                start='PT5S'>",
                &of_set(inner),
                "</Period></MPD>",
            ]
            .concat();
            let film = mpd(&text).unwrap();
            assert_eq!(film.availability, Availability::Growing);
            assert_eq!((film.duration, film.periods[0].end), (None, f64::INFINITY));
            let segments = segments_of(&film.periods[0].sets[0].representations[0]);
            assert!(segments.at(1e9).is_some());
            assert!(segments.get(0).is_some());
        }
    }

    #[test]
    fn sets_say_what_they_are() {
        let film = film(
            "<AdaptationSet lang='en' contentType='audio' mimeType='audio/mp4'><Label>A &amp; \
            B</Label><Role value='main'/>\
               <Representation id='a'><SegmentTemplate media='m'/></Representation></AdaptationSet>\
             <AdaptationSet lang='und' label='D' codecs='mp4a.40.2'><Role value='main'/><Role \
             value='description'/>\
               <Representation id='d'><SegmentTemplate media='m'/></Representation></AdaptationSet>\
             <AdaptationSet mimeType='application/mp4' codecs='stpp'>\
               <Representation id='t'><SegmentTemplate media='m'/></Representation></AdaptationSet>\
             <AdaptationSet mimeType='image/jpeg' contentType='image'>\
               <Representation id='i'><SegmentTemplate media='m'/></Representation></AdaptationSet>\
             <AdaptationSet contentType='text'>\
               <Representation id='v' \
               mimeType='text/vtt'><BaseURL>t.vtt</BaseURL></Representation></AdaptationSet>",
        );
        let said: Vec<_> = (film.periods[0].sets.iter())
            .map(|set| (set.kind, &*set.language, &*set.label, set.main))
            .collect();
        let expected = [
            (Kind::Audio, "en", "A & B", true),
            (Kind::Audio, "", "D", false),
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn a_set_is_parted_where_its_representations_do_not_belong_together() {
        let film = film(
            "<AdaptationSet contentType='video'><SegmentTemplate media='m'/>\
             <Representation id='1' mimeType='video/mp4'/><Representation id='2' \
             mimeType='video/webm'/>\
             <Representation id='3' mimeType='video/mp4'/>\
             <Representation id='4' \
             mimeType='video/mp4'><ContentProtection/></Representation></AdaptationSet>",
        );
        let parts: Vec<_> = (film.periods[0].sets.iter())
            .map(|set| {
                let ids = set.representations.iter().map(|it| it.id.as_str());
                (ids.collect::<Vec<_>>(), set.protected)
            })
            .collect();
        let expected = [
            (vec!["1", "3"], false),
            (vec!["2"], false),
            (vec!["4"], true),
        ];
        assert_eq!(parts, expected);
    }

    #[test]
    fn what_asks_too_much_is_left_out_and_named_if_nothing_remains() {
        let within = |start: &str, attributes: &str, inner: &str| {
            let representation = [
                "<Representation ",
                attributes,
                ">",
                inner,
                "</Representation>",
            ];
            let period = [
                "<MPD mediaPresentationDuration='PT10S'><Period><AdaptationSet \
                mimeType='video/mp4'>",
                start,
                &representation.concat(),
                "</AdaptationSet></Period></MPD>",
            ];
            mpd(&period.concat())
        };
        let trick =
            "<EssentialProperty schemeIdUri='http://dashif.org/guidelines/trickmode' value='1'/>";
        let colour = "<EssentialProperty \
        schemeIdUri='urn:mpeg:mpegB:cicp:TransferCharacteristics' value='16'/>";
        let template = "<SegmentTemplate media='m'/>";
        assert!(within(colour, "", template).is_ok());
        for (start, attributes, inner, reason) in [
            (
                trick,
                "",
                template,
                "an EssentialProperty that it does not know",
            ),
            (
                "",
                "dependencyId='b'",
                template,
                "video in layers (dependencyId)",
            ),
            (
                "",
                "",
                "<SegmentTemplate index='i'/>",
                "a SegmentTemplate without media",
            ),
            ("", "", "<SegmentList/>", "an empty or remote SegmentList"),
            ("", "", "", "a representation without segments"),
            (
                "",
                "",
                "<BaseURL>no url</BaseURL>",
                "a BaseURL that is no URL",
            ),
            (
                "",
                "",
                "<SegmentTemplate media='m'><SegmentTimeline><S t='10' \
                d='1'/></SegmentTimeline></SegmentTemplate>",
                "segments that lie outside of their period",
            ),
        ] {
            assert_eq!(refused(within(start, attributes, inner)), reason);
        }
        for remote in [
            "<MPD mediaPresentationDuration='PT1S'><Period xlink:href='http://ads/'/></MPD>",
            "<MPD mediaPresentationDuration='PT1S'><Period><AdaptationSet \
            xlink:href='a'/></Period></MPD>",
        ] {
            assert_eq!(refused(mpd(remote)), REMOTE);
        }
    }

    #[test]
    fn hostile_manifests_cost_little() {
        let began = Instant::now();
        let endless = "<SegmentTemplate media='$Number$' timescale='1000000000000' duration='1'/>";
        assert_eq!(
            segments_of(&representation(endless)).len(),
            10_000_000_000_000
        );
        let repeated = "<SegmentTemplate media='$Time$' timescale='1000000000000' \
        presentationTimeOffset='9000000000000'>\
            <SegmentTimeline><S t='0' d='1' r='1000000000000000'/><S d='1' \
            r='-1'/></SegmentTimeline></SegmentTemplate>";
        let of = representation(repeated);
        assert_eq!(segments_of(&of).get(0).unwrap().place.path, "9000000000000");

        // Numbers that jump, so that all would have to be listed.
        let jumping = repeated
            .replace("<S d='1'", "<S d='1' n='3'")
            .replace("$Time$", "$Number$");
        let jumping = jumping.replace("r='1000000000000000'", "r='9000000000000'");
        let whole = |inner: &str| {
            let start = "<MPD mediaPresentationDuration='PT10S'><Period>";
            mpd(&[start, inner, "</Period></MPD>"].concat())
        };
        let too_much = "a manifest that unfolds to more than 64 MB";
        assert_eq!(refused(whole(&of_set(&jumping))), too_much);

        // A long timeline, list, template or base that many representations inherit.
        let entries = "<S d='1'/>".repeat(100_000);
        let urls = "<SegmentURL media='u'/>".repeat(100_000);
        let long = "x".repeat(1_000_000);
        let ids = "$RepresentationID$".repeat(50_000);
        for inherited in [
            [
                "<SegmentTemplate media='m'><SegmentTimeline>",
                &entries,
                "</SegmentTimeline></SegmentTemplate>",
            ]
            .concat(),
            ["<SegmentList duration='1'>", &urls, "</SegmentList>"].concat(),
            ["<SegmentTemplate media='", &long, "'/>"].concat(),
            ["<SegmentTemplate media='m' initialization='", &ids, "'/>"].concat(),
            [
                "<SegmentTemplate media='m'/><BaseURL>",
                &long,
                "/</BaseURL>",
            ]
            .concat(),
        ] {
            let id = [
                "<Representation id='",
                &long[..10_000],
                "'><BaseURL>b</BaseURL></Representation>",
            ]
            .concat();
            let set = [
                "<AdaptationSet contentType='video'>",
                &inherited,
                &id.repeat(200),
                "</AdaptationSet>",
            ];
            assert_eq!(refused(whole(&set.concat())), too_much);
        }
        // Each representation in a container of its own, after a set of many descriptions.
        let roles = "<Role value='x'/>".repeat(100_000);
        let kinds: String = (0..100_000)
            .map(|nth| ["<Representation mimeType='video/", &nth.to_string(), "'/>"].concat())
            .collect();
        let set = [
            "<AdaptationSet><SegmentTemplate media='m'/>",
            &roles,
            &kinds,
            "</AdaptationSet>",
        ];
        let _ = whole(&set.concat());
        assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    }
}
