//! The store of everything said (SQLite, the truth) and its search index (tantivy, derived).
