//! What the index holds of a message: its words and addresses to look them up, its time and row number to sort by. Texts are
//! not kept; hits are read from the truth.

use crate::message::Direction;
use crate::tokens::{self, Purpose};
use tantivy::TantivyDocument;
use tantivy::schema::{Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{TextAnalyzer, Token, TokenStream, Tokenizer, TokenizerManager};

/// Counts the changes of schema and tokens. An index of another version is made anew.
pub(crate) const VERSION: u32 = 1;

/// Name of the row numbers' column.
pub(crate) const ROW: &str = "row";
/// Name of the times' column (milliseconds since 1970 UTC).
pub(crate) const AT: &str = "at";

const TEXT_TOKENS: &str = "corella-text";
const ADDRESS_TOKENS: &str = "corella-address";

/// The fields of the index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    pub(crate) text: Field,
    pub(crate) from: Field,
    pub(crate) to: Field,
    pub(crate) with: Field,
    pub(crate) row: Field,
    pub(crate) at: Field,
}

/// What the index takes of a message.
pub(crate) struct Entry {
    pub(crate) row: i64,
    pub(crate) own: String,
    pub(crate) with: String,
    pub(crate) direction: Direction,
    pub(crate) text: String,
    pub(crate) at: i64,
}

impl Fields {
    /// The schema and its fields.
    pub(crate) fn schema() -> (Schema, Fields) {
        let mut schema = Schema::builder();
        let tokens = |tokenizer, option, norms| {
            let indexing = TextFieldIndexing::default()
                .set_tokenizer(tokenizer)
                .set_index_option(option)
                .set_fieldnorms(norms);
            TextOptions::default().set_indexing_options(indexing)
        };
        let text = tokens(TEXT_TOKENS, IndexRecordOption::WithFreqsAndPositions, true);
        let address = || tokens(ADDRESS_TOKENS, IndexRecordOption::Basic, false);
        let fields = Fields {
            text: schema.add_text_field("text", text),
            from: schema.add_text_field("from", address()),
            to: schema.add_text_field("to", address()),
            with: schema.add_text_field("with", address()),
            row: schema.add_i64_field(ROW, NumericOptions::default().set_fast().set_indexed()),
            at: schema.add_i64_field(AT, NumericOptions::default().set_fast()),
        };
        (schema.build(), fields)
    }

    /// Makes an entry a document.
    pub(crate) fn document(&self, entry: &Entry) -> TantivyDocument {
        let (from, to) = match entry.direction {
            Direction::In => (&entry.with, &entry.own),
            Direction::Out => (&entry.own, &entry.with),
        };
        let mut document = TantivyDocument::default();
        document.add_text(self.text, &entry.text);
        document.add_text(self.from, from);
        document.add_text(self.to, to);
        document.add_text(self.with, &entry.with);
        document.add_i64(self.row, entry.row);
        document.add_i64(self.at, entry.at);
        document
    }
}

/// Makes our tokens known to an index.
pub(crate) fn register(tokenizers: &TokenizerManager) {
    tokenizers.register(TEXT_TOKENS, TextAnalyzer::from(Words { address: false }));
    tokenizers.register(ADDRESS_TOKENS, TextAnalyzer::from(Words { address: true }));
}

/// Hands our tokens to tantivy; for an address, the whole of it is a token too.
#[derive(Clone)]
struct Words {
    address: bool,
}

struct Stream {
    tokens: std::vec::IntoIter<tokens::Token>,
    token: Token,
}

impl Tokenizer for Words {
    type TokenStream<'a> = Stream;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Stream {
        let mut tokens = tokens::tokenize(text, Purpose::Index);
        if self.address {
            let position = tokens.last().map_or(0, |last| last.position + 1);
            tokens.push(tokens::Token {
                text: text.to_lowercase(),
                start: 0,
                end: text.len(),
                position,
                word: true,
            });
        }
        Stream {
            tokens: tokens.into_iter(),
            token: Token::default(),
        }
    }
}

impl TokenStream for Stream {
    fn advance(&mut self) -> bool {
        let Some(next) = self.tokens.next() else { return false };
        self.token = Token {
            offset_from: next.start,
            offset_to: next.end,
            position: next.position,
            text: next.text,
            position_length: 1,
        };
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}
