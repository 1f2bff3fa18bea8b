//! A resource's text for people to read: the same members and values, each on a line of its own.

/// A JSON text with line breaks and two blanks for each level. Strings and numbers stay as they are written.
pub fn indented(text: &str) -> String {
    let mut told = String::with_capacity(text.len() * 2);
    let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if in_string {
            told.push(character);
            in_string = is_escaped || character != '"';
            is_escaped = !is_escaped && character == '\\';
            continue;
        }
        match character {
            ' ' | '\t' | '\n' | '\r' => {}
            '{' | '[' => {
                told.push(character);
                while characters.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(end) = characters.next_if(|next| matches!(next, '}' | ']')) {
                    told.push(end);
                } else {
                    depth += 1;
                    line(&mut told, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut told, depth);
                told.push(character);
            }
            ',' => {
                told.push(character);
                line(&mut told, depth);
            }
            ':' => told.push_str(": "),
            _ => {
                in_string = character == '"';
                told.push(character);
            }
        }
    }
    told
}

fn line(told: &mut String, depth: usize) {
    told.push('\n');
    told.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_stands_on_a_line_and_keeps_its_letters() {
        let text = r#"{"a":{ },"b":[1.10,"x \"{,[\\", []],"c":null}"#;
        let expected = "{\n  \"a\": {},\n  \"b\": [\n    1.10,\n    \"x \\\"{,[\\\\\",\n    []\n  ],\n  \"c\": null\n}";
        assert_eq!(indented(text), expected);
        assert_eq!(indented(expected), expected);
        let example = include_str!("../../tests/examples/everything-kept.json");
        let (before, after): (serde_json::Value, serde_json::Value) =
            (serde_json::from_str(example).unwrap(), serde_json::from_str(&indented(example)).unwrap());
        assert_eq!(before, after);
    }
}
