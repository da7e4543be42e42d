//! Files and folders; every failure names the path.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use crate::step::Failure;

/// The text of a file.
pub(crate) fn text(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(failed("read", path))
}

/// The bytes of a file.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(failed("read", path))
}

/// Writes a file anew.
pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<(), Failure> {
    std::fs::write(path, content).map_err(failed("write", path))
}

/// Copies the file `name` from one folder to another, with its mode.
pub(crate) fn copy(name: &str, from: &Path, to: &Path) -> Result<(), Failure> {
    let source = from.join(name);
    std::fs::copy(&source, to.join(name)).map_err(failed("copy", &source))?;
    Ok(())
}

/// Gives a file another name, over whatever had it.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), Failure> {
    std::fs::rename(from, to).map_err(failed("rename", from))
}

/// Makes a folder and those above it, unless they are there.
pub(crate) fn make_folder(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(failed("make the folder", path))
}

/// The paths of what a folder holds, in no order.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let list = std::fs::read_dir(folder).map_err(failed("read", folder))?;
    list.map(|entry| entry.map(|found| found.path()).map_err(failed("read", folder)))
        .collect()
}

/// What could not be done, with which path, and why.
pub(crate) fn failed<E: Display>(verb: &str, path: &Path) -> impl Fn(E) -> Failure {
    move |error| Failure::new(format!("cannot {verb} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_path() {
        let nowhere = Path::new("/no-such-folder/file");
        for failure in [
            text(nowhere).map(drop),
            bytes(nowhere).map(drop),
            write(nowhere, "x"),
            rename(nowhere, nowhere),
            make_folder(Path::new("/dev/null/folder")),
            entries(nowhere).map(drop),
        ] {
            let words = failure.expect_err("there is nothing").to_string();
            assert!(
                words.contains("/no-such-folder/file") || words.contains("/dev/null/folder"),
                "{words}"
            );
        }
    }
}
