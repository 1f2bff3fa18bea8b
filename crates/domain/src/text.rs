//! Text as policies see it: normalised words for matching, and length in Unicode scalar values.

use std::collections::HashMap;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The length that limits are written in: Unicode scalar values after NFC.
pub fn length(text: &str) -> usize {
    // Nothing before the combining marks composes with anything
    // (https://www.unicode.org/reports/tr15/#Detecting_Normalization_Forms).
    if text.is_ascii() {
        text.len()
    } else if text.chars().all(|c| c < '\u{300}') {
        text.chars().count()
    } else {
        text.nfc().count()
    }
}

/// A text as a sequence of normalised words: case, accents, apostrophes, width and invisible characters do not matter.
///
/// Kept as one text with a space before and after each word, so that a phrase stands in it when it is a part of it;
/// where there are two spaces, no phrase crosses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(Arc<str>);

impl Default for Words {
    fn default() -> Self {
        Self::of("")
    }
}

impl Words {
    /// The words of a text. Anything that is neither letter nor digit separates words, except apostrophes and
    /// invisible characters inside a word, which vanish: `can’t` and `cant` are the same word.
    pub fn of(text: &str) -> Self {
        let mut words = Spaced::with_capacity(text.len());
        words.read(text);
        words.finish()
    }

    /// Whether the phrase stands in these words, as neighbours in order. An empty phrase stands nowhere.
    pub fn contain(&self, phrase: &Self) -> bool {
        !phrase.is_empty() && self.0.contains(&*phrase.0)
    }

    /// Whether there is no word at all.
    pub fn is_empty(&self) -> bool {
        self.0.bytes().all(|byte| byte == b' ')
    }

    /// The words of several texts, with a mark between that no phrase crosses.
    pub fn of_all<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut words = Spaced::with_capacity(256);
        for text in texts {
            words.read(text);
            words.written.push(' ');
        }
        words.finish()
    }
}

/// Words being written, with a space before and after each.
struct Spaced {
    written: String,
    /// Whether a word has begun and not ended.
    inside: bool,
}

impl Spaced {
    fn with_capacity(bytes: usize) -> Self {
        let mut written = String::with_capacity(bytes + 2);
        written.push(' ');
        Self { written, inside: false }
    }

    fn read(&mut self, text: &str) {
        // ASCII is what most texts consist of and decomposes to itself, and nothing is reordered across it: only what
        // stands between is worth the tables.
        for run in text.as_bytes().chunk_by(|a, b| a.is_ascii() == b.is_ascii()) {
            match str::from_utf8(run) {
                Ok(run) if run.is_ascii() => run.bytes().for_each(|byte| self.ascii(byte)),
                Ok(run) => run.nfkd().for_each(|c| self.any(c)),
                // Runs begin and end at the borders of characters.
                Err(_) => {}
            }
        }
        self.end();
    }

    fn ascii(&mut self, byte: u8) {
        if byte.is_ascii_alphanumeric() {
            self.written.push(char::from(byte.to_ascii_lowercase()));
            self.inside = true;
        } else if !matches!(byte, b'\'' | b'`') {
            self.end();
        }
    }

    fn any(&mut self, c: char) {
        if c.is_ascii() {
            self.ascii(c as u8);
        } else if unspaced(c) {
            self.end();
            self.written.push(c);
            self.written.push(' ');
        } else if c.is_alphanumeric() {
            self.written.extend(c.to_lowercase());
            self.inside = true;
        } else if !vanishes(c) {
            self.end();
        }
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.inside) {
            self.written.push(' ');
        }
    }

    fn finish(self) -> Words {
        Words(self.written.into())
    }
}

fn vanishes(c: char) -> bool {
    is_combining_mark(c)
        || matches!(c, '\'' | '\u{2019}' | '\u{2018}' | '\u{02bc}' | '\u{0060}' | '\u{00b4}' | '\u{2032}' | '\u{ff07}')
        || matches!(c, '\u{00ad}' | '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// Scripts that are written without spaces: each character is a word, so that phrases are found inside running text.
fn unspaced(c: char) -> bool {
    matches!(c, '\u{0e00}'..='\u{0eff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
        && !is_combining_mark(c)
}

/// Many phrases, looked for in one pass over a text.
#[derive(Clone, Debug, Default)]
pub struct Phrases {
    by_first_word: HashMap<String, Vec<(Words, usize)>>,
}

impl Phrases {
    /// Phrases with the number that a hit answers. Phrases without a word are left out.
    pub fn new<'a>(phrases: impl IntoIterator<Item = &'a str>) -> Self {
        let mut by_first_word: HashMap<String, Vec<(Words, usize)>> = HashMap::new();
        for (number, phrase) in phrases.into_iter().enumerate() {
            let words = Words::of(phrase);
            let first = words.0.split(' ').find(|word| !word.is_empty()).map(str::to_owned);
            if let Some(first) = first {
                by_first_word.entry(first).or_default().push((words, number));
            }
        }
        Self { by_first_word }
    }

    /// The numbers of the phrases that stand in the text, ascending, each once.
    pub fn found_in(&self, text: &Words) -> Vec<usize> {
        let mut found = Vec::new();
        // A word begins after a space, with which a phrase begins too.
        for (space, _) in text.0.match_indices(' ') {
            let rest = &text.0[space..];
            let word = rest[1..].split(' ').next().unwrap_or_default();
            for (phrase, number) in self.by_first_word.get(word).into_iter().flatten() {
                if rest.starts_with(&*phrase.0) {
                    found.push(*number);
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_do_not_see_case_accents_apostrophes_or_invisible_characters() {
        let said = Words::of(
            "I have CHEST\u{a0}PAIN, can\u{2019}t breathe; ni\u{f1}o so\u{ad}fort \u{ff33}\u{ff34}\u{ff2f}\u{ff30}",
        );
        for phrase in ["chest pain", "cant breathe", "can't breathe", "nino", "sofort", "stop"] {
            assert!(said.contain(&Words::of(phrase)), "{phrase}");
        }
        for phrase in ["pain chest", "est pain", "", "'"] {
            assert!(!said.contain(&Words::of(phrase)), "{phrase}");
        }
    }

    #[test]
    fn phrases_are_found_in_scripts_without_spaces() {
        assert!(Words::of("昨日から胸が痛いです").contain(&Words::of("胸が痛い")));
        assert!(Words::of("chest\u{200b}pain").contain(&Words::of("chest pain")));
    }

    #[test]
    fn a_phrase_does_not_cross_from_one_text_into_another() {
        assert!(!Words::of_all(["my chest", "pain"]).contain(&Words::of("chest pain")));
        assert_eq!(Phrases::new(["chest pain", "pain"]).found_in(&Words::of_all(["chest", "pain pain"])), [1]);
    }

    #[test]
    fn words_are_the_same_whether_or_not_their_neighbours_need_tables() {
        assert_eq!(
            Words::of("cafe\u{301}s\u{327}\u{301} caf\u{e9}s 5\u{2075}\u{bd}"),
            Words::of("CAFES cafes 551\u{2044}2")
        );
        assert_eq!(Words::of("a\u{2019}b c`d 'e'"), Words::of("ab cd e"));
        assert_eq!(Words::of("\u{1f600}ok\u{1f600}ok"), Words::of("ok ok"));
        assert!(Words::of(" \u{301}'! ").is_empty() && Words::default().is_empty());
    }

    #[test]
    fn length_counts_scalar_values_after_composition() {
        assert_eq!(length("e\u{301}"), 1);
        assert_eq!(length("\u{1fa7a}"), 1);
        assert_eq!(length("caf\u{e9} \u{2f5}"), 6);
    }
}
