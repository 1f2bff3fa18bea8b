//! Text as policies see it: normalised words for matching, and length in Unicode scalar values.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The length that limits are written in: Unicode scalar values after NFC.
pub fn length(text: &str) -> usize {
    // Nothing before the combining marks, U+0300, which begin with the byte 0xCC, composes with anything
    // (https://www.unicode.org/reports/tr15/#Detecting_Normalization_Forms).
    if text.is_ascii() {
        text.len()
    } else if text.bytes().fold(0, u8::max) < 0xcc {
        text.bytes().filter(|byte| byte & 0xc0 != 0x80).count()
    } else {
        text.nfc().count()
    }
}

/// A text as a sequence of normalised words: case, accents, apostrophes, width and invisible characters do not matter.
///
/// Kept as one text with a space before and after each word, so that a phrase stands in it when it is a part of it;
/// where there are two spaces, no phrase crosses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Words(String);

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

    /// Whether there is no word at all.
    pub fn is_empty(&self) -> bool {
        self.0.bytes().all(|byte| byte == b' ')
    }

    /// The words of several texts, with a mark between that no phrase crosses.
    pub fn of_all<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Self {
        let mut words = Spaced::with_capacity(texts.clone().map(|text| text.len() + 2).sum());
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

/// What a character of ASCII becomes: a letter or digit itself, in lower case; 0 when it vanishes; else a space.
const ASCII: [u8; 128] = {
    let mut table = [b' '; 128];
    let mut byte = 0;
    while byte < 128 {
        let c = byte as u8;
        if c.is_ascii_alphanumeric() {
            table[byte] = c.to_ascii_lowercase();
        } else if matches!(c, b'\'' | b'`') {
            table[byte] = 0;
        }
        byte += 1;
    }
    table
};

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
        match ASCII[usize::from(byte & 0x7f)] {
            0 => {}
            b' ' => self.end(),
            letter => {
                self.written.push(char::from(letter));
                self.inside = true;
            }
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
        Words(self.written)
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

/// Many phrases, looked for in one pass over a text. Phrases of the same words are one.
#[derive(Clone, Debug)]
pub struct Phrases {
    /// The different phrases, those that begin alike side by side.
    phrases: Vec<Words>,
    /// For each beginning, where its phrases start; one more for where the last ones end.
    starts: Vec<u32>,
}

/// How many beginnings are told apart: six bits of each of the first two bytes of a word and what follows it.
const BEGINNINGS: usize = 1 << 12;

/// The beginning of a word after the space before it: even the shortest has a letter and a space.
fn beginning(first: u8, second: u8) -> usize {
    usize::from(first & 0x3f) << 6 | usize::from(second & 0x3f)
}

/// A phrase of a [`Phrases`], by number.
pub type PhraseNumber = u32;

/// Phrases that stand in a text, ascending, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found(Vec<PhraseNumber>);

impl Found {
    /// Whether a phrase stands in the text.
    pub fn has(&self, phrase: PhraseNumber) -> bool {
        self.0.binary_search(&phrase).is_ok()
    }

    /// Whether no phrase stands in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Phrases {
    /// Phrases ready to be looked for; those without a word are left out.
    pub fn new<'a>(phrases: impl IntoIterator<Item = &'a str>) -> Self {
        let begins = |words: &Words| match words.0.as_bytes() {
            &[_, first, second, ..] => Some(beginning(first, second)),
            _ => None,
        };
        let mut phrases: Vec<(usize, Words)> =
            phrases.into_iter().map(Words::of).filter_map(|words| Some((begins(&words)?, words))).collect();
        phrases.sort_unstable();
        phrases.dedup();
        let mut starts = vec![0; BEGINNINGS + 1];
        for (begins, _) in &phrases {
            starts[begins + 1] += 1;
        }
        for place in 1..=BEGINNINGS {
            starts[place] += starts[place - 1];
        }
        Self { phrases: phrases.into_iter().map(|(_, words)| words).collect(), starts }
    }

    /// The number of a phrase that is looked for, by its words.
    pub fn number(&self, phrase: &str) -> Option<PhraseNumber> {
        let words = Words::of(phrase);
        let &[_, first, second, ..] = words.0.as_bytes() else { return None };
        self.beginning_with(first, second).find(|number| self.phrases[*number as usize] == words)
    }

    fn beginning_with(&self, first: u8, second: u8) -> std::ops::Range<PhraseNumber> {
        let place = beginning(first, second);
        self.starts[place]..self.starts[place + 1]
    }

    /// The phrases that stand in a text.
    pub fn found_in(&self, text: &Words) -> Found {
        let mut found = Vec::new();
        let bytes = text.0.as_bytes();
        for (place, three) in bytes.windows(3).enumerate().filter(|(_, three)| three[0] == b' ') {
            for number in self.beginning_with(three[1], three[2]) {
                if bytes[place..].starts_with(self.phrases[number as usize].0.as_bytes()) {
                    found.push(number);
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        Found(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(text: &Words, phrase: &str) -> bool {
        let phrases = Phrases::new(["stands nowhere", phrase]);
        phrases.number(phrase).is_some_and(|number| phrases.found_in(text).has(number))
    }

    #[test]
    fn words_do_not_see_case_accents_apostrophes_or_invisible_characters() {
        let said = Words::of(
            "I have CHEST\u{a0}PAIN, can\u{2019}t breathe; ni\u{f1}o so\u{ad}fort \u{ff33}\u{ff34}\u{ff2f}\u{ff30}",
        );
        for phrase in ["chest pain", "cant breathe", "can't breathe", "nino", "sofort", "stop"] {
            assert!(contains(&said, phrase), "{phrase}");
        }
        for phrase in ["pain chest", "est pain", "", "'"] {
            assert!(!contains(&said, phrase), "{phrase}");
        }
    }

    #[test]
    fn phrases_are_found_in_scripts_without_spaces() {
        assert!(contains(&Words::of("昨日から胸が痛いです"), "胸が痛い"));
        assert!(contains(&Words::of("chest\u{200b}pain"), "chest pain"));
    }

    #[test]
    fn a_phrase_does_not_cross_from_one_text_into_another() {
        assert!(!contains(&Words::of_all(["my chest", "pain"].into_iter()), "chest pain"));
        let phrases = Phrases::new(["chest pain", "pain", "Pain"]);
        let found = phrases.found_in(&Words::of_all(["chest", "pain pain"].into_iter()));
        assert_eq!(found, Found(vec![phrases.number("PAIN").unwrap()]));
        assert!(phrases.number("pai").is_none() && phrases.number("'").is_none());
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
