//! DASH manifests (MPDs), after ISO/IEC 23009-1:2022 and the [DASH-IF
//! guidelines](https://dashif.org/guidelines/iop-v5/). What a SourceBuffer does not take (text,
//! images, trick modes) and what asks for more than this player can do is left out; an MPD of which
//! nothing remains is refused.
//!
//! A level of the MPD leaves much to all those below it, and a short text could so unfold into
//! gigabytes: whatever a representation inherits is counted against `LIMIT`.

use std::rc::Rc;

use super::{
    AdaptationSet, Availability, ByteRange, ContentType, Index, ListedSegment, ManifestError,
    Period, Presentation, Representation, Resource, SegmentAddresses, SegmentRun, Segments,
    SidxLocation, Timestamps,
    captions::{self, CaptionTrack},
    content_type_of_codec,
    number::{decimal, digits},
    segment_template,
    xml::{self, Element},
};

/// How many bytes of a manifest its representations may inherit, one by one.
const LIMIT: usize = 64 << 20;

/// How many base URLs a representation may have.
const BASES: usize = 8;

/// How many representations of an adaptation set are looked at.
const REPRESENTATIONS: usize = 100;

/// The part of a segment that rounding may leave between the last one and the end of the period
/// without there being another.
const SLIVER: f64 = 0.001;

/// A remote element (xlink) that stands for none at all.
const NOTHING: &str = "urn:mpeg:dash:resolve-to-zero:2013";

/// By which sets are told of each other.
const SWITCHING: &str = "urn:mpeg:dash:adaptation-set-switching:2016";

const TOO_MUCH: &str = "a manifest that unfolds to more than 64 MB";

/// Why something is left out.
type Reason = &'static str;

/// Reads an MPD that was fetched from `url`. `resolve` makes a URL, given second, absolute by a
/// base, given first.
///
/// # Errors
/// [`Refusal`], with words for a person.
pub fn parse(
    text: &str,
    url: &str,
    resolve: &dyn Fn(&str, &str) -> Option<String>,
) -> Result<Presentation, ManifestError> {
    let mpd = xml::parse(text)?;
    if mpd.name != "MPD" {
        return Err(malformed("its root element is no MPD"));
    }
    let mut reader = MpdReader {
        resolve,
        is_growing: mpd.attribute("type") == Some("dynamic"),
        inherited: 0,
        left_out: None,
        captions: Vec::new(),
    };
    let periods = reader.periods(&mpd, &[Rc::from(url)]);
    let Some(last) = periods.last() else {
        return Err(match reader.left_out {
            Some(reason) => ManifestError::Unsupported(reason),
            None => malformed("there is neither video nor audio in it"),
        });
    };
    let end = Some(last.end).filter(|end| end.is_finite());
    Ok(Presentation {
        duration: total(&mpd).or(end),
        availability: if reader.is_growing {
            Availability::Live
        } else {
            Availability::Complete
        },
        periods,
        captions: reader.captions,
    })
}

fn malformed(reason: &str) -> ManifestError {
    ManifestError::Malformed(reason.to_owned())
}

/// What has been found out on the way through an MPD.
struct MpdReader<'r> {
    resolve: &'r dyn Fn(&str, &str) -> Option<String>,
    /// Whether the MPD is dynamic.
    is_growing: bool,
    /// How many bytes have been inherited.
    inherited: usize,
    /// Why the last thing was left out that a player with more features would not have.
    left_out: Option<Reason>,
    captions: Vec<CaptionTrack>,
}

impl MpdReader<'_> {
    /// The periods in which there is something to be played.
    fn periods(&mut self, mpd: &Element, base: &[Rc<str>]) -> Vec<Period> {
        let bases = self.bases(base, mpd);
        let mut elements = mpd.children("Period");
        elements.retain(|element| element.attribute("xlink:href") != Some(NOTHING));
        let mut periods = Vec::new();
        let mut previous_end = 0.0;
        for (nth, element) in elements.iter().enumerate() {
            let start = seconds(element, "start").unwrap_or(previous_end);
            if start.is_infinite() {
                // § 5.3.2.1: an early available period, which has no place in the film yet.
                self.left_out = Some("nothing says where one of its periods begins");
                continue;
            }
            let said = match elements.get(nth + 1) {
                Some(next) => seconds(next, "start").or(lasting(element, start)),
                None => lasting(element, start).or(total(mpd)),
            };
            let mut period = Period {
                start,
                end: said.unwrap_or(f64::INFINITY),
                adaptation_sets: Vec::new(),
            };
            if start < period.end && self.is_usable(element) {
                period.adaptation_sets = self.sets([element, mpd], &bases, &period);
            }
            if period.end.is_infinite() && !self.is_growing {
                period.end = last_end(&period);
            }
            previous_end = period.end;
            if !period.adaptation_sets.is_empty() {
                periods.push(period);
            }
        }
        periods
    }

    /// The adaptation sets of a period of which something is to be played.
    fn sets(
        &mut self,
        [element, mpd]: [&Element; 2],
        bases: &[Rc<str>],
        period: &Period,
    ) -> Vec<AdaptationSet> {
        let bases = self.bases(bases, element);
        let mut sets = Vec::new();
        // The ids of those that each of them may be switched to.
        let mut joined: Vec<&str> = Vec::new();
        for set in element.children("AdaptationSet") {
            if self.is_usable(set) {
                let others = switchable(set);
                for part in self.parts([set, element, mpd], &bases, period) {
                    let id = set.attribute("id").unwrap_or_default();
                    let known = joined.iter().zip(&mut sets);
                    let names = |ids: &str| {
                        ids.split(',')
                            .any(|it| it.trim_ascii() == id && !id.is_empty())
                    };
                    let mut known = known.filter(|(ids, _)| names(ids));
                    match known.find(|(_, known)| is_alike(known, &part)) {
                        Some((_, known)) => part
                            .representations
                            .into_iter()
                            .for_each(|it| add(known, it)),
                        _ => {
                            joined.push(others);
                            sets.push(part);
                        }
                    }
                }
            }
        }
        sets
    }

    /// An adaptation set, in as many parts as it takes for the representations of each to have the
    /// same kind and container, for a SourceBuffer is made for those, and for what is clear not to
    /// wait for a DRM system.
    fn parts(
        &mut self,
        [set, above, mpd]: [&Element; 3],
        bases: &[Rc<str>],
        period: &Period,
    ) -> Vec<AdaptationSet> {
        let bases = self.bases(bases, set);
        let mut parts: Vec<AdaptationSet> = Vec::new();
        let elements = set.children("Representation");
        for element in elements.into_iter().take(REPRESENTATIONS) {
            let levels = [element, set, above, mpd];
            if !self.is_usable(element) {
                continue;
            }
            let bases = self.bases(&bases, element);
            let Some(kind) = kind(&levels) else {
                self.read_captions(&levels, bases, period);
                continue;
            };
            let representation = match self.representation(&levels, bases, period) {
                Ok(representation) => representation,
                Err(reason) => {
                    self.left_out = Some(reason);
                    continue;
                }
            };
            let protected = child(&levels, "ContentProtection").is_some();
            let belongs = |part: &AdaptationSet| {
                (part.content_type, part.is_protected) == (kind, protected)
                    && container(part) == representation.container
            };
            let at = parts.iter().position(belongs).unwrap_or(parts.len());
            if at == parts.len() {
                let part = described(set, kind, protected);
                self.inherit(part.language.len() + part.label.len());
                parts.push(part);
            }
            if let Some(part) = parts.get_mut(at) {
                add(part, representation);
            }
        }
        parts
    }

    /// Captions in a file of their own.
    fn read_captions(&mut self, levels: &[&Element; 4], bases: Vec<Rc<str>>, period: &Period) {
        let addressing = addressing(levels);
        let is_whole = addressing.iter().all(|it| it.name == "SegmentBase");
        let is_text = attribute(levels, "mimeType") == Some("text/vtt");
        if is_text && is_whole && child(levels, "BaseURL").is_some() && !bases.is_empty() {
            let [_, set, ..] = levels;
            let it = described(set, ContentType::default(), false);
            self.inherit(it.language.len() + it.label.len());
            let file = captions::CaptionFile {
                base_urls: bases,
                resource: Resource::default(),
                is_playlist: false,
                start: period.start,
                time_offset: origin(&addressing, period),
            };
            CaptionTrack::add(&mut self.captions, &it.language, &it.label, file);
        }
    }

    fn representation(
        &mut self,
        levels: &[&Element; 4],
        bases: Vec<Rc<str>>,
        period: &Period,
    ) -> Result<Representation, Reason> {
        let text = |name| attribute(levels, name).unwrap_or_default();
        let [own, ..] = levels;
        let id = own.attribute("id").unwrap_or_default();
        let container = text("mimeType").split(';').next().unwrap_or_default();
        let codecs = text("codecs");
        let addressing = addressing(levels);
        self.inherit(container.len() + codecs.len());
        for element in &addressing {
            self.inherit(element.bytes);
        }
        for name in &["media", "initialization"] {
            // An identifier of 18 characters becomes the id, with each of its characters doubled.
            let template = attribute(&addressing, name).unwrap_or_default();
            self.inherit(template.len().saturating_mul(id.len() / 9));
        }
        if self.inherited > LIMIT {
            return Err(TOO_MUCH);
        }
        if bases.is_empty() {
            return Err("a BaseURL that is no URL");
        }
        let bandwidth = number(levels, "bandwidth").unwrap_or(0);
        let index = match addressing.first() {
            Some(element) if element.name != "SegmentBase" => {
                let names = [
                    ("RepresentationID", &*id.replace('$', "$$")),
                    ("Bandwidth", &*bandwidth.to_string()),
                ];
                Index::Known(Rc::new(self.segments(&addressing, &names, period)?))
            }
            _ if child(levels, "BaseURL").is_none() => {
                return Err("a representation without segments");
            }
            _ => Index::Sidx(file(&addressing, period)),
        };
        let pixels = |name| {
            let pixels = number(levels, name).unwrap_or(0);
            u32::try_from(pixels).unwrap_or(0)
        };
        Ok(Representation {
            id: id.to_owned(),
            bandwidth,
            size: (pixels("width"), pixels("height")),
            frame_rate: frame_rate(text("frameRate")).unwrap_or(0.0),
            container: container.to_owned(),
            codecs: codecs.to_owned(),
            base_urls: bases,
            index,
        })
    }

    /// § 5.3.9.3 and 5.3.9.4: segments that are listed, or whose paths follow a pattern.
    fn segments(
        &self,
        addressing: &[&Element],
        names: &[(&str, &str)],
        period: &Period,
    ) -> Result<Segments, Reason> {
        let mut layout = Layout {
            offset: offset(addressing),
            ticks: (period.end - period.start) * timescale(addressing) as f64,
            is_endless: period.end.is_infinite() && !self.is_growing,
            first_number: number(addressing, "startNumber").unwrap_or(1),
            last_number: number(addressing, "endNumber").unwrap_or(u64::MAX),
            runs: Vec::new(),
            numbers: Vec::new(),
        };
        let mut inits = Vec::new();
        if let Some(init) = attribute(addressing, "initialization") {
            inits.push(Resource::whole(segment_template::expand(
                &segment_template::substitute(init, names),
                0,
                0,
            )));
        } else if let Some(init) = child(addressing, "Initialization") {
            inits.push(place(init, "sourceURL", "range"));
        }
        let addresses = if let Some(media) = attribute(addressing, "media") {
            layout.follow(addressing)?;
            SegmentAddresses::Template {
                media: segment_template::substitute(media, names),
                numbers: layout.numbers,
            }
        } else {
            let mut lists = addressing.iter().map(|list| list.children("SegmentURL"));
            let Some(urls) = lists.find(|urls| !urls.is_empty()) else {
                return Err("segments without addresses");
            };
            layout.last_number = (layout.first_number).saturating_add(urls.len() as u64 - 1);
            layout.follow(addressing)?;
            let mut listed = Vec::new();
            let usize_of = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
            for (run, number) in layout.runs.iter().zip(&layout.numbers) {
                let before = number.saturating_sub(layout.first_number);
                for url in urls.iter().skip(usize_of(before)).take(usize_of(run.count)) {
                    listed.push(ListedSegment {
                        resource: place(url, "media", "mediaRange"),
                        init: (!inits.is_empty()).then_some(0),
                        discontinuity: 0,
                        is_missing: false,
                    });
                }
            }
            SegmentAddresses::Listed(listed)
        };
        if layout.runs.is_empty() {
            return Err("segments that lie outside of their period");
        }
        Ok(Segments {
            timescale: timescale(addressing),
            time_offset: origin(addressing, period),
            runs: layout.runs,
            addresses,
            inits,
            timestamps: Timestamps::Media,
            end: period.end,
        })
    }

    /// § 5.6.4: every base of the level above with every BaseURL of this one, by descending
    /// priority (ETSI TS 103 285 § 10.8.2.1).
    fn bases(&mut self, above: &[Rc<str>], element: &Element) -> Vec<Rc<str>> {
        let mut urls: Vec<(u64, &Element)> = Vec::new();
        for url in element.children("BaseURL").into_iter().take(BASES) {
            let priority = number(&[url], "dvb:priority").unwrap_or(1);
            let at = urls.partition_point(|(other, _)| *other <= priority);
            urls.insert(at, (priority, url));
        }
        if urls.is_empty() {
            return above.to_vec();
        }
        let mut bases = Vec::new();
        for base in above {
            for (_, url) in &urls {
                if bases.len() < BASES
                    && self.inherited <= LIMIT
                    && let Some(url) = (self.resolve)(base, &url.text)
                {
                    self.inherit(url.len());
                    bases.push(Rc::from(&*url));
                }
            }
        }
        bases
    }

    /// Counts what is inherited.
    fn inherit(&mut self, bytes: usize) {
        self.inherited = self.inherited.saturating_add(bytes);
    }

    /// Whether a period, a set or a representation is there, and not only for players with more
    /// features than this.
    fn is_usable(&mut self, element: &Element) -> bool {
        let is_harmless = |property: &&Element| {
            let scheme = property.attribute("schemeIdUri").unwrap_or_default();
            scheme.starts_with("urn:mpeg:mpegB:cicp:") || scheme == SWITCHING
        };
        let link = element.attribute("xlink:href");
        if link == Some(NOTHING) {
            return false;
        }
        let reason = if link.is_some() && element.children.is_empty() {
            "remote elements (xlink)"
        } else if !element
            .children("EssentialProperty")
            .iter()
            .all(is_harmless)
        {
            "an EssentialProperty that it does not know"
        } else if element.attribute("dependencyId").is_some() {
            "video in layers (dependencyId)"
        } else {
            return true;
        };
        self.left_out = Some(reason);
        false
    }
}

/// The segments of a representation, while they are laid out along its media time.
struct Layout {
    /// The media time at which the period begins.
    offset: u64,
    /// How long the period lasts.
    ticks: f64,
    /// Whether nothing says where it ends, and yet nothing more will come.
    is_endless: bool,
    first_number: u64,
    last_number: u64,
    runs: Vec<SegmentRun>,
    /// Of each run the number of its first segment.
    numbers: Vec<u64>,
}

impl Layout {
    /// Lays out what a SegmentTimeline says (§ 5.3.9.6), or else a duration.
    fn follow(&mut self, addressing: &[&Element]) -> Result<(), Reason> {
        let Some(timeline) = child(addressing, "SegmentTimeline") else {
            let delta = attribute(addressing, "eptDelta").unwrap_or("0");
            let time = match delta.strip_prefix('-') {
                Some(earlier) => self.offset.saturating_sub(digits(earlier).unwrap_or(0)),
                None => self.offset.saturating_add(digits(delta).unwrap_or(0)),
            };
            // § 5.3.9.2.1: without a duration there is one segment, and it is as long as the
            // period.
            let whole = (self.ticks.ceil() as u64).min(u64::MAX - time);
            let duration = number(addressing, "duration").unwrap_or(whole).max(1);
            return self.add(time, duration, u64::MAX, self.first_number);
        };
        let (mut time, mut next_number) = (0, self.first_number);
        let entries = timeline.children("S");
        for (nth, entry) in entries.iter().enumerate() {
            let said = |name| number(&[*entry], name);
            time = said("t").unwrap_or(time);
            next_number = said("n").unwrap_or(next_number);
            let Some(duration) = said("d").filter(|duration| *duration > 0) else {
                continue;
            };
            let next = entries.get(nth + 1).and_then(|next| number(&[*next], "t"));
            let count = match (entry.attribute("r"), next) {
                (Some(repeat), Some(next)) if repeat.starts_with('-') => {
                    next.saturating_sub(time).div_ceil(duration)
                }
                (Some(repeat), None) if repeat.starts_with('-') => u64::MAX,
                _ => said("r").unwrap_or(0).saturating_add(1),
            };
            self.add(time, duration, count, next_number)?;
            time = time.saturating_add(duration.saturating_mul(count));
            next_number = next_number.saturating_add(count);
        }
        Ok(())
    }

    /// Adds segments of a duration, as far as they are in the period and after those that are there
    /// already. Where the last of those overlaps them, it is shortened.
    fn add(&mut self, time: u64, duration: u64, count: u64, number: u64) -> Result<(), Reason> {
        if self.is_endless && count.min(self.last_number) == u64::MAX {
            return Err("nothing says where one of its periods ends");
        }
        let numbers = self.last_number.saturating_add(1).saturating_sub(number);
        let count = count.min(self.room(time, duration)).min(numbers);
        let mut passed = self.offset.saturating_sub(time) / duration;
        let mut first = 0;
        if let Some(last) = self.runs.last() {
            first = last.first + last.count;
            let last_time = last.time + last.duration * (last.count - 1);
            if time <= last_time {
                passed = passed.max((last_time - time) / duration + 1);
            }
        }
        if passed >= count {
            return Ok(());
        }
        let time = time + duration * passed;
        self.shorten_last(time);
        self.runs.push(SegmentRun {
            time,
            duration,
            count: count - passed,
            first,
        });
        self.numbers.push(number.saturating_add(passed));
        Ok(())
    }

    /// Lets the last segment end by a time that lies after its beginning.
    fn shorten_last(&mut self, end: u64) {
        let (Some(last), Some(number)) = (self.runs.last_mut(), self.numbers.last()) else {
            return;
        };
        let before = last.count - 1;
        let time = last.time + last.duration * before;
        if end - time >= last.duration {
            return;
        }
        let shortened = SegmentRun {
            time,
            duration: end - time,
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
        let left = self.ticks + (self.offset as f64 - time as f64);
        let count = (left / duration as f64 - SLIVER).ceil() as u64;
        count.min((u64::MAX - time) / duration)
    }
}

/// The value of an attribute at the nearest level that has it.
fn attribute<'a>(levels: &[&'a Element], name: &str) -> Option<&'a str> {
    levels.iter().find_map(|element| element.attribute(name))
}

/// The whole number of an attribute.
fn number(levels: &[&Element], name: &str) -> Option<u64> {
    digits(attribute(levels, name)?)
}

/// The first child of a name at the nearest level that has one.
fn child<'e, 'a>(levels: &[&'e Element<'a>], name: &str) -> Option<&'e Element<'a>> {
    levels.iter().find_map(|element| element.child(name))
}

/// Where segments are addressed: a SegmentTemplate, SegmentList or SegmentBase and those of the
/// same name at the levels above, of which it inherits what it does not say itself (§ 5.3.9.1).
fn addressing<'e, 'a>(levels: &[&'e Element<'a>]) -> Vec<&'e Element<'a>> {
    let mut found: Vec<&Element> = Vec::new();
    for level in levels {
        for name in &["SegmentTemplate", "SegmentList", "SegmentBase"] {
            if let Some(element) = level.child(name)
                && found.first().is_none_or(|first| first.name == *name)
            {
                found.push(element);
            }
        }
    }
    found
}

/// Ticks per second.
fn timescale(addressing: &[&Element]) -> u64 {
    number(addressing, "timescale").unwrap_or(1).max(1)
}

/// The media time in ticks at which the period begins.
fn offset(addressing: &[&Element]) -> u64 {
    number(addressing, "presentationTimeOffset").unwrap_or(0)
}

/// What is added to a media time in seconds to make it a time of the film.
fn origin(addressing: &[&Element], period: &Period) -> f64 {
    period.start - offset(addressing) as f64 / timescale(addressing) as f64
}

/// § 5.3.9.2: a file with a segment index, or one in which to look for it.
fn file(addressing: &[&Element], period: &Period) -> SidxLocation {
    let init = child(addressing, "Initialization").map(|init| place(init, "sourceURL", "range"));
    SidxLocation {
        path: String::new(),
        index: attribute(addressing, "indexRange").and_then(range),
        init: init.filter(|init| *init != Resource::default()),
        time_offset: origin(addressing, period),
        end: period.end,
    }
}

/// What is to be fetched, by the names of the attributes that tell its path and range.
fn place(element: &Element, path: &str, bytes: &str) -> Resource {
    Resource {
        path: element.attribute(path).unwrap_or_default().to_owned(),
        range: element.attribute(bytes).and_then(range),
        key: None,
    }
}

/// A set without representations, with what it says of itself.
fn described(set: &Element, kind: ContentType, protected: bool) -> AdaptationSet {
    let language = set.attribute("lang").unwrap_or_default();
    let label = match set.child("Label") {
        Some(label) => &label.text,
        None => set.attribute("label").unwrap_or_default(),
    };
    let roles = set.children("Role");
    let plays = |value| {
        let mut roles = roles.iter();
        roles.any(|role| role.attribute("value") == Some(value))
    };
    AdaptationSet {
        content_type: kind,
        // RFC 5646 § 4.1: `und` is for where something has to be said and nothing is known.
        language: if language == "und" { "" } else { language }.to_owned(),
        label: label.to_owned(),
        is_main: plays("main") && !plays("description") && !plays("commentary"),
        is_protected: protected,
        representations: Vec::new(),
    }
}

/// Adds a representation, by its bandwidth.
fn add(set: &mut AdaptationSet, representation: Representation) {
    let others = &mut set.representations;
    let at = others.partition_point(|other| other.bandwidth <= representation.bandwidth);
    others.insert(at, representation);
}

/// The ids of the sets whose representations a player may go over to (§ 5.3.3.5), by commas.
fn switchable<'e>(set: &'e Element) -> &'e str {
    for name in &["SupplementalProperty", "EssentialProperty"] {
        for property in set.children(name) {
            if property.attribute("schemeIdUri") == Some(SWITCHING) {
                return property.attribute("value").unwrap_or_default();
            }
        }
    }
    ""
}

/// Whether the representations of two sets can be in one.
fn is_alike(one: &AdaptationSet, other: &AdaptationSet) -> bool {
    (one.content_type, one.is_protected, &one.language)
        == (other.content_type, other.is_protected, &other.language)
        && container(one) == container(other)
}

/// That of all representations of a set.
fn container(set: &AdaptationSet) -> &str {
    let first = set.representations.first();
    first.map_or("", |first| &first.container)
}

/// What a representation is for; `None` for text, images and what nobody knows.
fn kind(levels: &[&Element]) -> Option<ContentType> {
    let text = |name| attribute(levels, name).unwrap_or_default();
    let (content, container) = (text("contentType"), text("mimeType"));
    let codecs = text("codecs");
    if content == "audio" || container.starts_with("audio/") {
        return Some(ContentType::Audio);
    }
    if content == "video" || container.starts_with("video/") {
        return Some(ContentType::Video);
    }
    if content.is_empty() && !codecs.is_empty() {
        let kinds = codecs.split(',').map(content_type_of_codec);
        return kinds.reduce(|one, other| {
            if one == Some(ContentType::Video) {
                one
            } else {
                other
            }
        })?;
    }
    None
}

/// Where the last segment of a period ends; infinite if a segment index has yet to be read for
/// that.
fn last_end(period: &Period) -> f64 {
    let mut end = period.start;
    for set in &period.adaptation_sets {
        for representation in &set.representations {
            end = match &representation.index {
                Index::Known(segments) => end.max(segments.span().map_or(end, |(_, last)| last)),
                _ => f64::INFINITY,
            };
        }
    }
    end
}

/// Frames per second, such as `25` or `30000/1001`.
fn frame_rate(text: &str) -> Option<f64> {
    let (frames, seconds) = text.split_once('/').unwrap_or((text, "1"));
    let rate = decimal(frames)? / decimal(seconds)?;
    rate.is_finite().then_some(rate)
}

/// A byte range such as `0-719` or `720-`.
fn range(text: &str) -> Option<ByteRange> {
    let (first, last) = text.split_once('-')?;
    let first = digits(first)?;
    let last = digits(last);
    (last.is_none_or(|last| first <= last)).then_some(ByteRange { first, last })
}

/// Where an element ends by its duration.
fn lasting(element: &Element, start: f64) -> Option<f64> {
    Some(start + seconds(element, "duration")?)
}

/// How long all of it lasts. Who does not know that, now and then writes 0.
fn total(mpd: &Element) -> Option<f64> {
    seconds(mpd, "mediaPresentationDuration").filter(|seconds| *seconds > 0.0)
}

/// The seconds of an attribute that is an `xs:duration`.
fn seconds(element: &Element, name: &str) -> Option<f64> {
    duration(element.attribute(name)?)
}

/// An `xs:duration` such as `PT1H2M3.5S`, in seconds. A year has 365 days here, and a month 30.
fn duration(text: &str) -> Option<f64> {
    let text = text.strip_prefix('P')?;
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
    use std::{
        fmt::Debug,
        fs,
        time::{SystemTime, UNIX_EPOCH},
    };

    /// As far as these tests need: the last part of the base's path is replaced.
    fn resolve(base: &str, relative: &str) -> Option<String> {
        if relative.contains("://") {
            return Some(relative.to_owned());
        }
        let (folder, _) = base.rsplit_once('/')?;
        (!relative.contains(' ')).then(|| [folder, "/", relative].concat())
    }

    fn mpd(text: &str) -> Result<Presentation, ManifestError> {
        parse(text, "http://x/a/film.mpd", &resolve)
    }

    /// An MPD of 10 s with one period.
    fn film(period: &str) -> Presentation {
        let start = "<MPD mediaPresentationDuration='PT10S'><Period>";
        mpd(&[start, period, "</Period></MPD>"].concat()).unwrap()
    }

    /// An adaptation set of one representation, in a film of 10 s.
    fn representation(inner: &str) -> Representation {
        let film = film(&of_set(inner));
        film.periods[0].adaptation_sets[0].representations[0].clone()
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
                (segment.resource.path, segment.start, segment.end)
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

    fn refused<T: Debug>(result: Result<T, ManifestError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn durations_are_read() {
        for (text, expected) in [
            ("PT1H2M3.5S", Some(3723.5)),
            ("P1DT1S", Some(86_401.0)),
            ("P1Y2M", Some(36_720_000.0)),
            ("PT0H3M1.63S", Some(181.63)),
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
        let html = "its root element is no MPD";
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
        let representation = &film.periods[0].adaptation_sets[0].representations[0];
        let segment = segments_of(representation).get(0).unwrap();
        assert_eq!(segment.resource.path, "$Time$/000500/1$");
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
            let segments =
                segments_of(&film.periods[0].adaptation_sets[0].representations[0]).clone();
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
        assert_eq!(segment.resource.range, from(20, None));
        assert_eq!(segment.init.unwrap().range, from(0, Some(9)));
        assert_eq!(&*of.base_urls[0], "http://x/a/v.mp4");
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
        let sidx = SidxLocation {
            path: String::new(),
            index: range(700, 999),
            init: Some(Resource {
                range: range(0, 699),
                ..Resource::default()
            }),
            time_offset: -2.0,
            end: 10.0,
        };
        assert_eq!(of.index, Index::Sidx(sidx));
        let Index::Sidx(sidx) = representation("<BaseURL>v.mp4</BaseURL>").index else {
            panic!("no file");
        };
        assert_eq!((sidx.index, sidx.init), (None, None));
        let apart = representation(
            "<BaseURL>v.mp4</BaseURL><SegmentBase><Initialization sourceURL='i.mp4'/></SegmentBase>",
        );
        let Index::Sidx(sidx) = apart.index else {
            panic!("no file");
        };
        let init = sidx.init.unwrap();
        assert_eq!((init.path.as_str(), init.range), ("i.mp4", None));
    }

    #[test]
    fn a_remote_period_that_stands_for_nothing_ends_no_other() {
        let own = of_set("<SegmentTemplate media='$Number$' duration='2'/>");
        let nothing = "<Period xlink:href='urn:mpeg:dash:resolve-to-zero:2013'/>";
        let text = |first: &str, last: &str| {
            let start = "<MPD mediaPresentationDuration='PT30S'>";
            mpd(&[start, first, &own, "</Period>", nothing, last, "</MPD>"].concat()).unwrap()
        };
        let spans = |film: &Presentation| -> Vec<_> {
            film.periods.iter().map(|it| (it.start, it.end)).collect()
        };
        assert_eq!(spans(&text("<Period>", "")), [(0.0, 30.0)]);
        let second = ["<Period start='PT10S'>", &own, "</Period>"].concat();
        assert_eq!(
            spans(&text("<Period>", &second)),
            [(0.0, 10.0), (10.0, 30.0)]
        );
    }

    #[test]
    fn a_film_of_no_length_is_as_long_as_its_segments() {
        let own = of_set(
            "<SegmentTemplate media='$Number$'><SegmentTimeline><S d='4' r='2'/></SegmentTimeline></SegmentTemplate>",
        );
        let start = "<MPD mediaPresentationDuration='PT0S'><Period>";
        let film = mpd(&[start, &own, "</Period></MPD>"].concat()).unwrap();
        assert_eq!(film.duration, Some(12.0));
    }

    #[test]
    fn sets_that_are_told_of_each_other_are_one() {
        let set = |id: &str, others: &str, bandwidth: u32, more: &str| {
            format!(
                "<AdaptationSet id='{id}' mimeType='video/mp4' {more}><SupplementalProperty \
                 schemeIdUri='urn:mpeg:dash:adaptation-set-switching:2016' value='{others}'/>\
                 <Representation bandwidth='{bandwidth}'><SegmentTemplate media='m'/></Representation>\
                 </AdaptationSet>"
            )
        };
        let hd = set("1", "2, 3", 500, "");
        let joined = film(&(hd.clone() + &set("2", "1", 100, "")));
        let [one] = joined.periods[0].adaptation_sets.as_slice() else {
            panic!("not one set");
        };
        let bandwidths: Vec<_> = one.representations.iter().map(|it| it.bandwidth).collect();
        assert_eq!(bandwidths, [100, 500]);
        for other in [set("4", "1", 100, ""), set("2", "1", 100, "lang='de'")] {
            assert_eq!(
                film(&(hd.clone() + &other)).periods[0]
                    .adaptation_sets
                    .len(),
                2
            );
        }
    }

    #[test]
    fn what_has_no_codecs_is_not_known_yet() {
        let template = "<SegmentTemplate media='m'/>";
        assert!(!representation(template).is_resolved());
        let named = film(&of_set(template).replace("id='v'", "codecs='avc1.4d401e'"));
        assert!(named.periods[0].adaptation_sets[0].representations[0].is_resolved());
    }

    #[test]
    fn captions_in_a_file_are_beside_the_film() {
        let captions = |inner: &str| {
            let video = of_set("<SegmentTemplate media='m'/>");
            film(
                &[
                    &video,
                    "<AdaptationSet lang='de' mimeType='text/vtt'>",
                    inner,
                    "</AdaptationSet>",
                ]
                .concat(),
            )
            .captions
        };
        let file = "<Representation><BaseURL>c.vtt</BaseURL></Representation>";
        let found = captions(&["<Label>Deutsch</Label>", file, file].concat());
        let [only] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!(
            (only.language.as_str(), only.label.as_str()),
            ("de", "Deutsch")
        );
        assert_eq!(only.files.len(), 1);
        assert_eq!(&*only.files[0].base_urls[0], "http://x/a/c.vtt");
        // In segments they are for later.
        let segments =
            "<Representation><BaseURL>c/</BaseURL><SegmentTemplate media='m'/></Representation>";
        assert_eq!(captions(segments), []);
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
        let [a, b, c] = &film.periods[0].adaptation_sets[0].representations[..] else {
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
        let bases: Vec<&str> = (alternatives.periods[0].adaptation_sets[0].representations[0]
            .base_urls
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
        let bases = &film.periods[0].adaptation_sets[0].representations[0].base_urls;
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
        let segments = segments_of(&second.adaptation_sets[0].representations[0]);
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
            assert_eq!(film.availability, Availability::Live);
            assert_eq!((film.duration, film.periods[0].end), (None, f64::INFINITY));
            let segments = segments_of(&film.periods[0].adaptation_sets[0].representations[0]);
            assert!(segments.segment_at(1e9).is_some());
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
        let said: Vec<_> = (film.periods[0].adaptation_sets.iter())
            .map(|set| (set.content_type, &*set.language, &*set.label, set.is_main))
            .collect();
        let expected = [
            (ContentType::Audio, "en", "A & B", true),
            (ContentType::Audio, "", "D", false),
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
        let parts: Vec<_> = (film.periods[0].adaptation_sets.iter())
            .map(|set| {
                let ids = set.representations.iter().map(|it| it.id.as_str());
                (ids.collect::<Vec<_>>(), set.is_protected)
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
                "segments without addresses",
            ),
            ("", "", "<SegmentList/>", "segments without addresses"),
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
            assert_eq!(refused(mpd(remote)), "remote elements (xlink)");
        }
    }

    /// Nanoseconds that this thread has worked so far: what else the machine does has no part in that. Where
    /// that is not told, as by Linux alone, they are those that have passed.
    fn spent() -> u128 {
        let told = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        let spent = told.split(' ').next().and_then(|it| it.parse().ok());
        spent.unwrap_or_else(|| {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap()
                .as_nanos()
        })
    }

    #[test]
    fn hostile_manifests_cost_little() {
        let before = spent();
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
        assert_eq!(
            segments_of(&of).get(0).unwrap().resource.path,
            "9000000000000"
        );

        // Numbers that jump.
        let jumping = repeated
            .replace("<S d='1'", "<S d='1' n='3'")
            .replace("$Time$", "$Number$");
        let of = representation(&jumping.replace("r='1000000000000000'", "r='9000000000000'"));
        let last = segments_of(&of).get(segments_of(&of).len() - 1).unwrap();
        assert_eq!(last.resource.path, "10000000000001");

        let whole = |inner: &str| {
            let start = "<MPD mediaPresentationDuration='PT10S'><Period>";
            mpd(&[start, inner, "</Period></MPD>"].concat())
        };
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
            for id in ["v", &long[..10_000]] {
                let id = [
                    "<Representation id='",
                    id,
                    "'><BaseURL>b</BaseURL></Representation>",
                ];
                let set = [
                    "<AdaptationSet contentType='video'>",
                    &inherited,
                    &id.concat().repeat(REPRESENTATIONS),
                    "</AdaptationSet>",
                ];
                let kept: usize = match whole(&set.concat().repeat(2)) {
                    Ok(film) => {
                        let sets = film.periods[0].adaptation_sets.iter();
                        sets.map(|set| set.representations.len()).sum()
                    }
                    Err(refusal) => {
                        assert_eq!(refusal.to_string(), TOO_MUCH);
                        0
                    }
                };
                assert!(kept * inherited.len() <= LIMIT, "{kept}");
            }
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
        let seconds = (spent() - before) / 1_000_000_000;
        assert!(seconds < 20, "{seconds} s");
    }
}
