//! Searches as values: what is asked of the store, free of any query language.

use jiff::Timestamp;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::access::Visibility;
use crate::change::Stored;
use crate::id::{Key, Reference, ResourceId, ResourceType, TenantId, Version};

/// One search over the current versions of a resource type.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// The tenant.
    pub tenant: TenantId,
    /// The type searched.
    pub kind: ResourceType,
    /// Conditions, all of which must hold.
    pub filters: Vec<Filter>,
    /// The order of results, the first key first; ties are broken by id in the direction of the last key.
    pub sort: Vec<Sort>,
    /// The most results on one page, at least 1; 0 asks for no rows.
    pub count: u16,
    /// Where the page begins or, for one that was left behind, ends.
    pub after: Option<Cursor>,
    /// Whether the number of all matches is wanted.
    pub total: bool,
    /// Which rows exist for the caller.
    pub visibility: Visibility,
}

impl Search {
    /// Whether its conditions and its order look at nothing but the rows themselves: neither at what they refer to or
    /// are referred to by, nor at their threads.
    pub fn keeps_to_its_rows(&self) -> bool {
        self.filters.iter().all(Filter::keeps_to_its_row)
            && self.sort.iter().all(|sort| sort.by != SortBy::LastActivity)
    }
}

/// One condition on a resource. A list of alternatives that is empty holds for nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// `_id`
    Id(Vec<ResourceId>),
    /// `_lastUpdated`, over the row's own time.
    LastUpdated(Vec<DateMatch>),
    /// The row belongs to one of these threads.
    Thread(Vec<ResourceId>),
    /// The row belongs to some thread.
    InThread,
    /// When anybody last wrote in the row's thread.
    LastActivity(Vec<DateMatch>),
    /// It is in a thread, and one of these has neither written it nor said that they have read it.
    UnreadBy(Vec<Reference>),
    /// One of these is to answer in the row's thread: who has claimed it or else is asked to.
    AnsweredBy(Vec<Reference>),
    /// The row is about one of these patients.
    Patient(Vec<Reference>),
    /// The row is about some patient.
    AboutPatient,
    /// A token parameter: any of the alternatives.
    Token {
        /// The parameter's name, as in the search values.
        param: &'static str,
        /// The alternatives.
        any: Vec<TokenMatch>,
    },
    /// A reference parameter: any of these literal references (`Patient/1`, or an absolute URL).
    Reference {
        /// The parameter's name.
        param: &'static str,
        /// The alternatives.
        any: Vec<String>,
    },
    /// A reference parameter by what is known of its targets: an identifier in the reference itself.
    Identifier {
        /// The parameter's name.
        param: &'static str,
        /// The alternatives.
        any: Vec<TokenMatch>,
    },
    /// A date parameter: any of the alternatives.
    Date {
        /// The parameter's name.
        param: &'static str,
        /// The alternatives.
        any: Vec<DateMatch>,
    },
    /// A text that begins with one of these, each as [`folded`] makes it.
    Text {
        /// The parameter's name.
        param: &'static str,
        /// The alternatives.
        any: Vec<String>,
    },
    /// The resource has a value, of whatever form, for the parameter.
    Present {
        /// The parameter's name.
        param: &'static str,
    },
    /// The resource refers to one of the selected (a chain).
    Refers {
        /// By which of its references.
        by: Link,
        /// To what.
        to: Selection,
    },
    /// One of the selected refers to the resource (`_has`).
    ReferredTo {
        /// By which of their references.
        by: Link,
        /// By what.
        from: Selection,
    },
    /// All of these hold.
    All(Vec<Filter>),
    /// One of these holds.
    Any(Vec<Filter>),
    /// This does not hold.
    Not(Box<Filter>),
}

impl Filter {
    fn keeps_to_its_row(&self) -> bool {
        match self {
            Self::Refers { .. } | Self::ReferredTo { .. } | Self::LastActivity(_) | Self::AnsweredBy(_) => false,
            Self::All(filters) | Self::Any(filters) => filters.iter().all(Self::keeps_to_its_row),
            Self::Not(filter) => filter.keeps_to_its_row(),
            Self::Id(_)
            | Self::LastUpdated(_)
            | Self::Thread(_)
            | Self::InThread
            | Self::UnreadBy(_)
            | Self::Patient(_)
            | Self::AboutPatient
            | Self::Token { .. }
            | Self::Reference { .. }
            | Self::Identifier { .. }
            | Self::Date { .. }
            | Self::Text { .. }
            | Self::Present { .. } => true,
        }
    }
}

/// A reference from one stored resource to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// Each row refers to the root of its thread.
    Thread,
    /// Reference parameters, any of them.
    Params {
        /// Their names.
        params: Vec<&'static str>,
        /// What literal references to the resources referred to begin with; their id follows.
        prefixes: Vec<String>,
    },
}

/// Resources of a type, as far as the caller may see them.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// The type.
    pub kind: ResourceType,
    /// The condition that they fulfil.
    pub filter: Box<Filter>,
    /// Which of them exist for the caller.
    pub visibility: Visibility,
}

/// `[code]`, `[system]|[code]`, `|[code]` or `[system]|`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenMatch {
    /// `None`: any system; `Some("")`: no system; otherwise that system.
    pub system: Option<String>,
    /// `None`: any code.
    pub code: Option<String>,
}

/// How a date's interval compares to the asked interval (<https://hl7.org/fhir/R4/search.html#prefix>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// The asked interval contains the resource's.
    Eq,
    /// It does not.
    Ne,
    /// Some of the resource's interval lies after the asked one's end.
    Gt,
    /// As `Gt`, or equal.
    Ge,
    /// Some of the resource's interval lies before the asked one's start.
    Lt,
    /// As `Lt`, or equal.
    Le,
    /// The resource's interval starts after the asked one's end.
    Sa,
    /// The resource's interval ends before the asked one's start.
    Eb,
    /// The two overlap: `ap`, whose asked interval the reader of the query has widened.
    Overlap,
}

/// A prefix with the asked interval `[low, high)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateMatch {
    /// The comparison.
    pub prefix: Prefix,
    /// First moment of the asked value's precision.
    pub low: Timestamp,
    /// First moment after it.
    pub high: Timestamp,
}

/// A key of the order of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// What is compared.
    pub by: SortBy,
    /// Newest first when set.
    pub descending: bool,
}

/// What a search may be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortBy {
    /// When the version was written.
    LastUpdated,
    /// The type's own date: `sent` of a Communication, `due` of a Task.
    Date,
    /// When anybody last wrote in the row's thread; when it was written, for what is in none.
    LastActivity,
    /// The id.
    Id,
}

/// The position of a row in an order: the keys of the last row of a page. Opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The row's moment for each key of the order but its id.
    pub at: Vec<Timestamp>,
    /// Its id.
    pub id: ResourceId,
    /// Whether the page ends before that row instead of beginning after it.
    pub backward: bool,
}

/// One page of results.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The rows, in order.
    pub rows: Vec<Stored>,
    /// Where the next page begins; `None` on the last page.
    pub next: Option<Cursor>,
    /// Where the page before this one ends; `None` on the first page.
    pub previous: Option<Cursor>,
    /// All matches, when asked for.
    pub total: Option<u64>,
}

/// The versions of resources, the latest first.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The tenant.
    pub tenant: TenantId,
    /// Of which types, and which of their versions exist for the caller.
    pub of: Vec<(ResourceType, Visibility)>,
    /// Of that resource alone.
    pub id: Option<ResourceId>,
    /// Only what was written at that moment or later.
    pub since: Option<Timestamp>,
    /// Only what was current at some moment of `[from, until)`.
    pub at: Option<(Timestamp, Timestamp)>,
    /// The most versions on one page, at least 1.
    pub count: u16,
    /// Where the page begins: after this version.
    pub after: Option<Place>,
}

/// The place of a version in a history.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// When it was written.
    pub at: Timestamp,
    /// The resource.
    pub key: Key,
    /// Its version.
    pub version: Version,
}

impl From<&Stored> for Place {
    fn from(stored: &Stored) -> Self {
        Self { at: stored.last_updated, key: stored.key.clone(), version: stored.version }
    }
}

/// One page of a history.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryPage {
    /// The versions, deletions among them, the latest first.
    pub rows: Vec<Stored>,
    /// Where the next page begins; `None` on the last page.
    pub next: Option<Place>,
}

/// A value by which a resource is found: written with each version, replacing those of the version before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchValue {
    /// The search parameter's name.
    pub param: &'static str,
    /// What is compared.
    pub value: Indexed,
}

/// The indexed form of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Indexed {
    /// A code with its system, if it has one.
    Token {
        /// The system's URI.
        system: Option<String>,
        /// The code.
        code: String,
    },
    /// A literal reference.
    Reference(String),
    /// An interval `[low, high)` of the value's own precision.
    Date {
        /// First moment.
        low: Timestamp,
        /// First moment after.
        high: Timestamp,
    },
    /// A text as [`folded`] makes it: of a string parameter, or beside a token's codes.
    Text(String),
    /// An identifier beside a literal reference or in its place.
    Identifier {
        /// The namespace.
        system: Option<String>,
        /// The identifier within it.
        value: String,
    },
}

/// The longest text that is compared, in bytes; what follows makes no difference.
const COMPARED: usize = 400;

/// A text as searches compare it: case, accents and width do not matter, nor what follows the first 400 bytes.
pub fn folded(text: &str) -> String {
    let plain = text.trim().nfkd().filter(|c| !is_combining_mark(*c));
    let mut folded: String = plain.flat_map(char::to_lowercase).collect();
    folded.truncate(folded.floor_char_boundary(COMPARED));
    folded
}

/// A resource to read: the current version or a named one.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// The tenant.
    pub tenant: TenantId,
    /// The resource.
    pub key: Key,
    /// `None`: the current version.
    pub version: Option<Version>,
    /// Which rows exist for the caller.
    pub visibility: Visibility,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_compared_without_case_accents_and_width() {
        for (one, other) in [("Ärztin", "arztin"), (" CAFÉ ", "cafe"), ("ｗｉｄｅ", "wide"), ("a b", "A B")] {
            assert_eq!(folded(one), folded(other), "{one}");
        }
        assert_eq!(folded(&"ü".repeat(1000)).len(), COMPARED);
        assert_ne!(folded("ab"), folded("a b"));
    }
}
