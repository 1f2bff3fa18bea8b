//! The parameters that shape the answer instead of choosing what is in it.

/// How many results a page has when `_count` does not say.
pub const DEFAULT_COUNT: u16 = 50;

/// How many results a page has at most; a greater `_count` means this.
pub const MAX_COUNT: u16 = 200;

/// A parameter that shapes the answer.
#[derive(Debug)]
pub struct ResultParameter {
    /// Its name in a query.
    pub name: &'static str,
    /// Its type as OpenAPI says it.
    pub schema: &'static str,
    /// What it does, for people.
    pub documentation: &'static str,
}

/// The parameters that shape the answer of a search (<https://hl7.org/fhir/R4/search.html#return>).
pub static RESULT_PARAMETERS: &[ResultParameter] = &[
    ResultParameter {
        name: "_sort",
        schema: "string",
        documentation: "What to sort by, the first key first, each with a minus before it for the latest first: _lastUpdated \
                        and _id for every type, sent and last-activity for Communication, due for Task. The default is \
                        -_lastUpdated.",
    },
    ResultParameter {
        name: "_count",
        schema: "integer",
        documentation: "How many results a page has: 50 unless said, 200 at most; 0 asks for the total alone.",
    },
    ResultParameter {
        name: "_total",
        schema: "string",
        documentation: "accurate or estimate: say how many match in all; none: do not. The default is none.",
    },
    ResultParameter {
        name: "_summary",
        schema: "string",
        documentation: "How much of each resource is given out: true, text, data, count (the total alone) or false.",
    },
    ResultParameter {
        name: "_elements",
        schema: "string",
        documentation: "The elements that are given out beside those that must be there, joined by commas.",
    },
    ResultParameter {
        name: "_include",
        schema: "string",
        documentation: "What the matches refer to comes along: [type]:[parameter], such as Task:focus. \
                        _include:iterate goes on from there.",
    },
    ResultParameter {
        name: "_revinclude",
        schema: "string",
        documentation: "What refers to the matches comes along: [type]:[parameter], such as Task:focus. \
                        _revinclude:iterate goes on from there.",
    },
    ResultParameter {
        name: "_cursor",
        schema: "string",
        documentation: "Where the page begins. Opaque: take it from a next or previous link.",
    },
    ResultParameter {
        name: "_format",
        schema: "string",
        documentation: "The format of the answer, in place of the Accept header: json.",
    },
    ResultParameter {
        name: "_pretty",
        schema: "boolean",
        documentation: "true: the answer is indented for people. Otherwise resources are given out as they were sent.",
    },
];
