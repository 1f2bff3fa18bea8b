//! Media types: what is served and what is taken (<https://hl7.org/fhir/R4/http.html#mime-type>).
//!
//! `application/json` is an alias in both directions, because generated clients send it whatever a document says.

use crate::error::Failure;

/// The media type of resources.
pub const FHIR_JSON: &str = "application/fhir+json; fhirVersion=4.0; charset=utf-8";

/// The media type of answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `application/fhir+json`
    #[default]
    Fhir,
    /// `application/json`, for clients that ask for nothing else.
    Json,
}

impl Format {
    /// The format for a `_format` parameter, which counts more, or an `Accept` header. JSON is the default for `*/*`
    /// and for clients that say nothing.
    pub fn negotiate(parameter: Option<&str>, accept: &str) -> Result<Self, Failure> {
        if let Some(asked) = parameter {
            // A plus sign in a query is a space: `application/fhir+json` arrives in both forms.
            return match asked.replace(' ', "+").as_str() {
                "json" | "text/json" => Ok(Self::Fhir),
                other => Self::of_range(other).ok_or(Failure::NotAcceptable),
            };
        }
        if accept.trim().is_empty() {
            return Ok(Self::Fhir);
        }
        let mut best: Option<(f32, Self)> = None;
        for range in accept.split(',') {
            let (Some(format), quality) = (Self::of_range(range), quality(range)) else { continue };
            if quality > 0.0 && best.is_none_or(|(known, _)| quality > known) {
                best = Some((quality, format));
            }
        }
        best.map(|(_, format)| format).ok_or(Failure::NotAcceptable)
    }

    /// The `Content-Type` of answers.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Fhir => FHIR_JSON,
            Self::Json => "application/json; charset=utf-8",
        }
    }

    fn of_range(range: &str) -> Option<Self> {
        let media = Media::read(range);
        let format = match media.essence.as_str() {
            "application/fhir+json" | "application/*" | "*/*" => Self::Fhir,
            "application/json" => Self::Json,
            _ => return None,
        };
        media.is_r4().then_some(format)
    }
}

fn quality(range: &str) -> f32 {
    let named = |part: &str| part.trim().to_ascii_lowercase().strip_prefix("q=").map(str::to_owned);
    range.split(';').skip(1).find_map(named).map_or(1.0, |value| value.trim().parse().unwrap_or(0.0))
}

/// Whether a body of that `Content-Type` and `Content-Encoding` is a resource that can be read.
pub fn check_resource(content_type: Option<&str>, encoding: Option<&str>) -> Result<(), Failure> {
    const TAKEN: &str = "Send application/fhir+json or application/json (FHIR 4.0) in UTF-8, not compressed.";
    check(content_type, encoding, &["application/fhir+json", "application/json"], TAKEN)
}

/// Whether a body is a form, as `POST [type]/_search` takes it.
pub fn check_form(content_type: Option<&str>, encoding: Option<&str>) -> Result<(), Failure> {
    const TAKEN: &str = "Send application/x-www-form-urlencoded in UTF-8, not compressed.";
    check(content_type, encoding, &["application/x-www-form-urlencoded"], TAKEN)
}

/// Whether a body is an iCalendar feed, as the import of holidays takes it.
pub fn check_feed(content_type: Option<&str>, encoding: Option<&str>) -> Result<(), Failure> {
    check(content_type, encoding, &["text/calendar"], "Send text/calendar in UTF-8, not compressed.")
}

/// What is taken as a patch.
pub const PATCH: &str = "Send a JSON Patch as application/json-patch+json, or a FHIRPath Patch (Parameters) as \
                         application/fhir+json, in UTF-8, not compressed.";

/// Whether a body is a patch: `true` when its type says no more than that it is JSON.
pub fn check_patch(content_type: Option<&str>, encoding: Option<&str>) -> Result<bool, Failure> {
    const PLAIN: &[&str] = &["application/json", "application/fhir+json"];
    if check(content_type, encoding, PLAIN, PATCH).is_ok() {
        return Ok(true);
    }
    check(content_type, encoding, &["application/json-patch+json"], PATCH).map(|()| false)
}

fn check(
    content_type: Option<&str>,
    encoding: Option<&str>,
    taken: &[&str],
    remedy: &'static str,
) -> Result<(), Failure> {
    let plain = encoding.is_none_or(|encoding| encoding.trim().eq_ignore_ascii_case("identity"));
    let media = Media::read(content_type.unwrap_or_default());
    let readable = taken.contains(&media.essence.as_str()) && media.is_r4() && media.is_utf8();
    if plain && readable { Ok(()) } else { Err(Failure::MediaType(remedy)) }
}

/// A media type with the parameters that matter here.
struct Media {
    essence: String,
    charset: Option<String>,
    fhir_version: Option<String>,
}

impl Media {
    fn read(text: &str) -> Self {
        let mut parts = text.split(';');
        let essence = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
        let mut media = Self { essence, charset: None, fhir_version: None };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            let value = Some(value.trim().trim_matches('"').to_ascii_lowercase());
            match name.trim().to_ascii_lowercase().as_str() {
                "charset" => media.charset = value,
                "fhirversion" => media.fhir_version = value,
                _ => {}
            }
        }
        media
    }

    fn is_r4(&self) -> bool {
        self.fhir_version.as_deref().is_none_or(|version| matches!(version, "4.0" | "4.0.1"))
    }

    fn is_utf8(&self) -> bool {
        self.charset.as_deref().is_none_or(|charset| matches!(charset, "utf-8" | "utf8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_served_to_whoever_takes_it() {
        let accept = |text| Format::negotiate(None, text).ok();
        for fhir in [
            "",
            "*/*",
            "application/*",
            "application/fhir+json",
            "application/fhir+json; fhirVersion=4.0",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "application/json;q=0.5, application/fhir+json",
        ] {
            assert_eq!(accept(fhir), Some(Format::Fhir), "{fhir}");
        }
        assert_eq!(accept("application/json"), Some(Format::Json));
        assert_eq!(accept("text/html, application/json;q=0.1"), Some(Format::Json));
        for bad in [
            "text/html",
            "application/fhir+xml",
            "*/*;q=0",
            "application/fhir+json; fhirVersion=5.0",
            "application/json;q=x",
        ] {
            assert_eq!(accept(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_format_parameter_counts_more_than_the_header() {
        let asked = |text| Format::negotiate(Some(text), "application/fhir+xml").ok();
        for fhir in ["json", "application/fhir+json", "application/fhir json"] {
            assert_eq!(asked(fhir), Some(Format::Fhir), "{fhir}");
        }
        assert_eq!(asked("application/json"), Some(Format::Json));
        for bad in ["xml", "ttl", "html", "", "application/fhir+xml"] {
            assert_eq!(asked(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_json_in_utf8_is_read() {
        for good in [
            "application/fhir+json",
            "application/json",
            "Application/FHIR+JSON; charset=UTF-8",
            "application/fhir+json; fhirVersion=4.0; charset=\"utf-8\"",
        ] {
            assert!(check_resource(Some(good), None).is_ok(), "{good}");
        }
        for bad in [
            None,
            Some(""),
            Some("text/html"),
            Some("application/fhir+xml"),
            Some("application/json; charset=utf-16"),
            Some("application/fhir+json; fhirVersion=5.0"),
            Some("multipart/form-data; boundary=x"),
            Some("application/x-www-form-urlencoded"),
        ] {
            assert!(check_resource(bad, None).is_err(), "{bad:?}");
        }
        for encoding in ["gzip", "br", "deflate", "gzip, identity"] {
            assert!(check_resource(Some("application/json"), Some(encoding)).is_err(), "{encoding}");
        }
        assert!(check_form(Some("application/x-www-form-urlencoded"), Some("identity")).is_ok());
        assert_eq!(check_patch(Some("application/json-patch+json"), None).ok(), Some(false));
        assert_eq!(check_patch(Some("application/json; charset=utf-8"), None).ok(), Some(true));
        assert!(check_patch(Some("application/xml-patch+xml"), None).is_err() && check_patch(None, None).is_err());
    }
}
