//! Searches as values: what is asked of the store, free of any query language.

use jiff::Timestamp;

use crate::access::Visibility;
use crate::change::Stored;
use crate::id::{Key, ResourceId, ResourceType, TenantId};

/// One search over the current versions of a resource type.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// The tenant.
    pub tenant: TenantId,
    /// The type searched.
    pub kind: ResourceType,
    /// Conditions, all of which must hold.
    pub filters: Vec<Filter>,
    /// The order of results; ties are broken by id in the same direction.
    pub sort: Sort,
    /// The most results on one page, at least 1; 0 asks for no rows.
    pub count: u16,
    /// Where the page begins: after this row of the order.
    pub after: Option<Cursor>,
    /// Whether the number of all matches is wanted.
    pub total: bool,
    /// Which rows exist for the caller.
    pub visibility: Visibility,
}

/// One condition: any of its alternatives holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// `_id`
    Id(Vec<ResourceId>),
    /// `_lastUpdated`, over the row's own time.
    LastUpdated(Vec<DateMatch>),
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
    /// A date parameter: any of the alternatives.
    Date {
        /// The parameter's name.
        param: &'static str,
        /// The alternatives.
        any: Vec<DateMatch>,
    },
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

/// The order of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// What is compared.
    pub by: SortBy,
    /// Newest first when set.
    pub descending: bool,
}

/// What a search may be sorted by; both are columns of the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortBy {
    /// When the version was written.
    LastUpdated,
    /// The type's own date: `sent` of a Communication, `due` of a Task.
    Date,
}

/// The position of a row in an order: the key of the last row of a page. Opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The sort column of that row.
    pub at: Timestamp,
    /// Its id.
    pub id: ResourceId,
}

/// One page of results.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The rows, in order.
    pub rows: Vec<Stored>,
    /// Where the next page begins; `None` on the last page.
    pub next: Option<Cursor>,
    /// All matches, when asked for.
    pub total: Option<u64>,
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
}

/// A resource to read: the current version or a named one.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// The tenant.
    pub tenant: TenantId,
    /// The resource.
    pub key: Key,
    /// `None`: the current version.
    pub version: Option<crate::id::Version>,
    /// Which rows exist for the caller.
    pub visibility: Visibility,
}
