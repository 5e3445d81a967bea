//! The operations of a script, and their text: `video: init; append 1; remove 0.5 1`.

use std::{fmt, str::FromStr};

/// What a SourceBuffer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// H.264, 30 frames per second, segments of two seconds with one random access point each.
    Video,
    /// AAC, 48 kHz, segments of about two seconds.
    Audio,
    /// Both in one buffer.
    Muxed,
}

/// One operation on a SourceBuffer or its MediaSource. Times are in seconds.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Appends the init segment.
    Init,
    /// Appends a media segment, numbered from 1.
    Append(u32),
    /// Appends part of a media segment: from and to these percentages of its bytes.
    AppendPart(u32, u32, u32),
    /// Appends so many bytes of 0x55, which are no box.
    AppendGarbage(u32),
    /// Appends a web page.
    AppendHtml,
    /// `timestampOffset`.
    Offset(f64),
    /// `appendWindowStart` and `appendWindowEnd`; the end may be `inf`.
    Window(f64, f64),
    /// `remove`; the end may be `inf`.
    Remove(f64, f64),
    /// `abort`.
    Abort,
    /// `changeType` to the same type.
    ChangeType,
    /// Uses the other quality of the video from now on.
    SwitchQuality,
    /// `endOfStream`.
    End,
    /// `duration`.
    Duration(f64),
    /// `currentTime` of the element, which is paused.
    Seek(f64),
    /// Appends a segment again and again, each time two seconds later, until there is no room or so many times.
    Fill(u32, u32),
}

/// A script: its buffers, and operations with the index of the buffer.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// The SourceBuffers, all of which are added first.
    pub buffers: Vec<Media>,
    /// The operations, each with the index of its buffer.
    pub steps: Vec<(usize, Step)>,
}

impl Script {
    /// Whether other bytes follow a part of a segment, before its rest or a reset of the parser. They are read as the
    /// rest of the segment, and what comes after them as boxes. `changeType` resets the parser if there is such a
    /// method.
    pub fn follows_truncated_segment(&self, has_change_type: bool) -> bool {
        let mut missing = None;
        for (_, step) in &self.steps {
            match step {
                Step::AppendPart(segment, from, to) => {
                    if missing.is_some_and(|expected| expected != (*segment, *from)) {
                        return true;
                    }
                    missing = (*to < 100).then_some((*segment, *to));
                }
                Step::Init
                | Step::Append(_)
                | Step::AppendGarbage(_)
                | Step::AppendHtml
                | Step::Fill(..)
                    if missing.is_some() =>
                {
                    return true;
                }
                Step::Abort => missing = None,
                Step::ChangeType if has_change_type => missing = None,
                _ => {}
            }
        }
        false
    }
}

impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Muxed => "muxed",
        })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Init => write!(f, "init"),
            Self::Append(segment) => write!(f, "append {segment}"),
            Self::AppendPart(segment, from, to) => write!(f, "part {segment} {from} {to}"),
            Self::AppendGarbage(bytes) => write!(f, "garbage {bytes}"),
            Self::AppendHtml => write!(f, "html"),
            Self::Offset(offset) => write!(f, "offset {offset}"),
            Self::Window(start, end) => write!(f, "window {start} {end}"),
            Self::Remove(start, end) => write!(f, "remove {start} {end}"),
            Self::Abort => write!(f, "abort"),
            Self::ChangeType => write!(f, "changetype"),
            Self::SwitchQuality => write!(f, "switch"),
            Self::End => write!(f, "end"),
            Self::Duration(duration) => write!(f, "duration {duration}"),
            Self::Seek(position) => write!(f, "seek {position}"),
            Self::Fill(segment, times) => write!(f, "fill {segment} {times}"),
        }
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let buffers: Vec<String> = self.buffers.iter().map(ToString::to_string).collect();
        write!(f, "{}:", buffers.join(" "))?;
        for (nth, (buffer, step)) in self.steps.iter().enumerate() {
            let separator = if nth > 0 { ";" } else { "" };
            match buffer {
                0 => write!(f, "{separator} {step}")?,
                _ => write!(f, "{separator} {buffer} {step}")?,
            }
        }
        Ok(())
    }
}

/// A text that is no script, with the part that is wrong.
#[derive(Debug)]
pub struct InvalidScript(pub String);

impl FromStr for Step {
    type Err = InvalidScript;

    fn from_str(text: &str) -> Result<Self, InvalidScript> {
        let invalid = || InvalidScript(text.to_owned());
        let mut words = text.split_whitespace();
        let verb = words.next().ok_or_else(invalid)?;
        let mut number = || -> Result<f64, InvalidScript> {
            let word = words.next().ok_or_else(invalid)?;
            word.parse().map_err(|_| invalid())
        };
        Ok(match verb {
            "init" => Self::Init,
            "append" => Self::Append(number()? as u32),
            "part" => Self::AppendPart(number()? as u32, number()? as u32, number()? as u32),
            "garbage" => Self::AppendGarbage(number()? as u32),
            "html" => Self::AppendHtml,
            "offset" => Self::Offset(number()?),
            "window" => Self::Window(number()?, number()?),
            "remove" => Self::Remove(number()?, number()?),
            "abort" => Self::Abort,
            "changetype" => Self::ChangeType,
            "switch" => Self::SwitchQuality,
            "end" => Self::End,
            "duration" => Self::Duration(number()?),
            "seek" => Self::Seek(number()?),
            "fill" => Self::Fill(number()? as u32, number()? as u32),
            _ => return Err(invalid()),
        })
    }
}

impl FromStr for Script {
    type Err = InvalidScript;

    fn from_str(text: &str) -> Result<Self, InvalidScript> {
        let invalid = || InvalidScript(text.to_owned());
        let (buffers, steps) = text.split_once(':').ok_or_else(invalid)?;
        let buffers = buffers.split_whitespace().map(|word| match word {
            "video" => Ok(Media::Video),
            "audio" => Ok(Media::Audio),
            "muxed" => Ok(Media::Muxed),
            _ => Err(invalid()),
        });
        let steps = steps.split(';').map(|step| {
            let step = step.trim();
            match step.split_once(' ') {
                Some((first, rest)) if first.starts_with(|c: char| c.is_ascii_digit()) => {
                    Ok((first.parse().map_err(|_| invalid())?, rest.parse()?))
                }
                _ => Ok((0, step.parse()?)),
            }
        });
        Ok(Self {
            buffers: buffers.collect::<Result<_, _>>()?,
            steps: steps.collect::<Result<_, InvalidScript>>()?,
        })
    }
}
