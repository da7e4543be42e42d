//! The part of a message that shows why it was found.

use crate::query::Phrase;
use crate::tokens::{Purpose, Token, is_extending, tokenize};
use std::ops::Range;

/// The longest snippet in characters, with the marks of what was cut.
pub(crate) const LONGEST: usize = 160;
/// How far a cut is moved to fall between words, in characters.
const SNAP: usize = 20;
const CUT: char = '…';

/// A place where the text matches a phrase: the phrase's number, and the characters from its first to its last word.
struct Occurrence {
    phrase: usize,
    chars: Range<usize>,
}

/// Cuts the part of `text` that shows most of `phrases`; with it, what matched, in UTF-16 code units of that part.
pub(crate) fn snippet(text: &str, phrases: &[Phrase]) -> (String, Vec<(u32, u32)>) {
    let tokens = tokenize(text, Purpose::Index);
    // The byte at which each character begins.
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let char_at = |byte: usize| starts.partition_point(|start| *start < byte);
    let mut occurrences = Vec::new();
    let mut marks = Vec::new();
    for (number, phrase) in phrases.iter().enumerate() {
        for words in matches(&tokens, phrase) {
            let words: Vec<_> = words
                .iter()
                .map(|token| char_at(token.start)..char_at(token.end))
                .collect();
            if let Some((first, last)) = words.first().zip(words.last()) {
                occurrences.push(Occurrence {
                    phrase: number,
                    chars: first.start..last.end,
                });
            }
            marks.extend(words);
        }
    }
    let shown = window(text, starts.len(), &mut occurrences);
    render(text, starts.len(), shown, merge(marks))
}

/// All places where the words of the phrase stand behind each other as it says.
pub(crate) fn matches<'a>(tokens: &'a [Token], phrase: &Phrase) -> Vec<Vec<&'a Token>> {
    let at = |position: usize| {
        let from = tokens.partition_point(|token| token.position < position);
        tokens[from..]
            .iter()
            .take_while(move |token| token.position == position)
    };
    let last = phrase.words.len() - 1;
    let find = |start: usize| {
        let found = phrase.words.iter().enumerate().map(|(n, (offset, word))| {
            at(start + offset)
                .find(|t| t.text == *word || (n == last && phrase.prefix && t.text.starts_with(word.as_str())))
        });
        found.collect::<Option<Vec<_>>>()
    };
    let positions = tokens.last().map_or(0, |token| token.position + 1);
    (0..positions).filter_map(find).collect()
}

/// Which characters are shown: all if they fit; else around the place where most different phrases, then most occurrences
/// stand together.
fn window(text: &str, length: usize, occurrences: &mut [Occurrence]) -> Range<usize> {
    if length <= LONGEST {
        return 0..length;
    }
    let room = LONGEST - 2;
    occurrences.sort_by_key(|occurrence| occurrence.chars.start);
    let mut best = (0, 0);
    let mut core = 0..0;
    for (n, first) in occurrences.iter().enumerate() {
        let near = occurrences[n..]
            .iter()
            .take_while(|next| next.chars.start < first.chars.start + room);
        let (mut phrases, mut count, mut end) = (0_u64, 0, first.chars.start);
        for next in near.filter(|next| next.chars.end <= first.chars.start + room) {
            phrases |= 1 << (next.phrase % 64);
            count += 1;
            end = end.max(next.chars.end);
        }
        if (phrases.count_ones(), count) > best {
            best = (phrases.count_ones(), count);
            core = first.chars.start..end;
        }
    }
    if best.1 == 0 {
        // Nothing is marked, or one occurrence is longer than the room: show where it begins.
        let start = occurrences.first().map_or(0, |first| first.chars.start);
        core = start..start;
    }
    let start = core.start.saturating_sub((room - core.len()) / 3).min(length - room);
    snap(text, length, start..start + room, core)
}

/// Moves the cuts between words where one is near, and never between a character and what extends it.
fn snap(text: &str, length: usize, mut shown: Range<usize>, core: Range<usize>) -> Range<usize> {
    let chars: Vec<char> = text.chars().collect();
    if shown.start > 0 {
        let latest = core.start.min(shown.start + SNAP);
        let space = (shown.start..latest).find(|at| chars[*at].is_whitespace());
        shown.start = space.map_or(shown.start, |at| at + 1);
        while shown.start < core.start && is_extending(chars[shown.start]) {
            shown.start += 1;
        }
    }
    if shown.end < length {
        let earliest = core.end.max(shown.end - SNAP);
        let space = (earliest..shown.end).rev().find(|at| chars[*at].is_whitespace());
        shown.end = space.unwrap_or(shown.end);
        while shown.end > core.end && is_extending(chars[shown.end]) {
            shown.end -= 1;
        }
    }
    shown
}

/// Joins what overlaps or touches, as neighbouring pairs of characters do.
fn merge(mut marks: Vec<Range<usize>>) -> Vec<Range<usize>> {
    marks.sort_by_key(|mark| (mark.start, mark.end));
    let mut merged: Vec<Range<usize>> = Vec::new();
    for mark in marks {
        match merged.last_mut() {
            Some(last) if mark.start <= last.end => last.end = last.end.max(mark.end),
            _ => merged.push(mark),
        }
    }
    merged
}

fn render(text: &str, length: usize, shown: Range<usize>, marks: Vec<Range<usize>>) -> (String, Vec<(u32, u32)>) {
    let mut snippet = String::new();
    // The UTF-16 offset of each character shown, and of the end.
    let mut offsets = Vec::with_capacity(shown.len() + 1);
    let mut offset = 0;
    let mut push = |snippet: &mut String, c: char| {
        snippet.push(c);
        offset += u32::from(c.len_utf16() == 2) + 1;
        offset
    };
    let mut next = 0;
    if shown.start > 0 {
        next = push(&mut snippet, CUT);
    }
    for c in text.chars().skip(shown.start).take(shown.len()) {
        offsets.push(next);
        next = push(&mut snippet, if c.is_control() || c.is_whitespace() { ' ' } else { c });
    }
    offsets.push(next);
    if shown.end < length {
        push(&mut snippet, CUT);
    }
    let visible = marks
        .into_iter()
        .map(|mark| mark.start.max(shown.start)..mark.end.min(shown.end));
    let marks = visible
        .filter(|mark| mark.start < mark.end)
        .map(|mark| (offsets[mark.start - shown.start], offsets[mark.end - shown.start]))
        .collect();
    (snippet, marks)
}

#[cfg(test)]
mod tests;
