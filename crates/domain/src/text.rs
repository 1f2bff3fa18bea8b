//! Text as policies see it: normalised words for matching, and length in Unicode scalar values.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The length that limits are written in: Unicode scalar values after NFC.
pub fn length(text: &str) -> usize {
    text.nfc().count()
}

/// A text as a sequence of normalised words: case, accents, apostrophes, width and invisible characters do not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    /// The words of a text. Anything that is neither letter nor digit separates words, except apostrophes and
    /// invisible characters inside a word, which vanish: `can’t` and `cant` are the same word.
    pub fn of(text: &str) -> Self {
        let mut words = Vec::new();
        let mut word = String::new();
        for c in text.nfkd() {
            if unspaced(c) {
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
                words.push(c.to_string());
            } else if c.is_alphanumeric() {
                word.extend(c.to_lowercase());
            } else if !vanishes(c) && !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
        }
        if !word.is_empty() {
            words.push(word);
        }
        Self(words)
    }

    /// Whether the phrase stands in these words, as neighbours in order. An empty phrase stands nowhere.
    pub fn contain(&self, phrase: &Self) -> bool {
        !phrase.0.is_empty() && self.0.windows(phrase.0.len()).any(|window| window == phrase.0)
    }

    /// Whether there is no word at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The words of several texts, with a mark between that no phrase crosses.
    pub fn of_all<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut words = Vec::new();
        for text in texts {
            words.extend(Self::of(text).0);
            words.push(String::new());
        }
        Self(words)
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
            if let Some(first) = words.0.first() {
                by_first_word.entry(first.clone()).or_default().push((words, number));
            }
        }
        Self { by_first_word }
    }

    /// The numbers of the phrases that stand in the text, ascending, each once.
    pub fn found_in(&self, text: &Words) -> Vec<usize> {
        let mut found = Vec::new();
        for (place, word) in text.0.iter().enumerate() {
            for (phrase, number) in self.by_first_word.get(word).into_iter().flatten() {
                if text.0[place..].starts_with(&phrase.0) {
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
    fn length_counts_scalar_values_after_composition() {
        assert_eq!(length("e\u{301}"), 1);
        assert_eq!(length("\u{1fa7a}"), 1);
    }
}
