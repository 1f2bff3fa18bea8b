//! Pieces of resources, made at random.

use proptest::prelude::*;

/// The text of a JSON string, some of it escaped.
pub fn string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-zA-Z0-9 .,:;{}\\[\\]/-]{1,12}",
        Just("\\\"".to_owned()),
        Just("\\\\".to_owned()),
        Just("\\u00e9".to_owned()),
        Just("\\/".to_owned()),
        Just("ü😀漢".to_owned()),
    ];
    proptest::collection::vec(piece, 1..4).prop_map(|pieces| format!("\"x{}\"", pieces.concat()))
}

/// A number as it is written: zeros at its end and exponents are kept.
pub fn decimal() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,14})(\\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?"
}

pub fn blank() -> impl Strategy<Value = String> {
    "[ \n\t]{0,3}"
}

/// An extension with a value, or with extensions of its own.
pub fn extension() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        string().prop_map(|text| format!("\"valueString\":{text}")),
        decimal().prop_map(|number| format!("\"valueDecimal\":{number}")),
        any::<bool>().prop_map(|own| format!("\"valueBoolean\" : {own}")),
        string().prop_map(|text| format!("\"valueCoding\":{{\"system\":\"urn:x\",\"display\":{text}}}")),
        Just("\"_valueString\":{\"extension\":[{\"url\":\"urn:why\",\"valueCode\":\"unknown\"}]}".to_owned()),
    ];
    let leaf = (value, blank()).prop_map(|(value, blank)| format!("{{{blank}\"url\":\"urn:e\",{value}{blank}}}"));
    leaf.prop_recursive(3, 12, 3, |inner| {
        proptest::collection::vec(inner, 1..3)
            .prop_map(|inner| format!("{{\"extension\":[{}],\"url\":\"urn:tree\"}}", inner.join(" , ")))
    })
}
