//! The add-on's package: a zip of the folder as it is. The add-on has no build step; the one package that goes with it lies where
//! npm puts it, and is named there by the pages.

use std::path::{Path, PathBuf};

use crate::files;
use crate::step::Failure;
use crate::zip;

/// What of the add-on's folder goes to the user; the rest is for its development.
const SHIPPED: [&str; 8] = [
    "manifest.json",
    "_locales",
    "icons",
    "src",
    "node_modules/qr/LICENSE",
    "node_modules/qr/LICENSE-MIT",
    "node_modules/qr/decode.js",
    "node_modules/qr/index.js",
];

/// Packs the add-on in `extension` into the file `xpi`. The same files give the same bytes.
pub(crate) fn pack(extension: &Path, xpi: &Path) -> Result<(), Failure> {
    if let Some(folder) = xpi.parent() {
        files::make_folder(folder)?;
    }
    // Renamed into place, so that nobody ever reads half a package.
    let fresh = xpi.with_extension("xpi.part");
    files::write(&fresh, packed(extension)?)?;
    files::rename(&fresh, xpi)
}

fn packed(extension: &Path) -> Result<Vec<u8>, Failure> {
    let mut entries = Vec::new();
    for path in shipped(extension)? {
        entries.push((relative(extension, &path), files::bytes(&path)?));
    }
    zip::archive(&entries).ok_or_else(|| Failure::new("the add-on is too large for a plain zip"))
}

/// A file's name inside the package.
fn relative(extension: &Path, path: &Path) -> String {
    path.strip_prefix(extension)
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned()
}

/// All files that are shipped, in a fixed order.
fn shipped(extension: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for name in SHIPPED {
        collect(&extension.join(name), &mut files)?;
    }
    files.sort();
    Ok(files)
}

fn collect(path: &Path, shipped: &mut Vec<PathBuf>) -> Result<(), Failure> {
    if !path.metadata().map_err(files::failed("find", path))?.is_dir() {
        // Types for the checker and notes for developers are not code that runs.
        let skipped = path.to_string_lossy();
        if !skipped.ends_with(".d.ts") && !skipped.ends_with(".md") {
            shipped.push(path.to_path_buf());
        }
        return Ok(());
    }
    for entry in files::entries(path)? {
        collect(&entry, shipped)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_is_shipped_and_nothing_else() {
        let folder = std::env::temp_dir().join(format!("xtask-xpi-{}", std::process::id()));
        for (name, text) in [
            ("manifest.json", "{}"),
            ("_locales/en/messages.json", "{}"),
            ("icons/corella.svg", "<svg/>"),
            ("src/chat/page.js", "export {};"),
            ("src/protocol.d.ts", "export {};"),
            ("node_modules/qr/LICENSE", "free"),
            ("node_modules/qr/LICENSE-MIT", "free"),
            ("node_modules/qr/decode.js", "export {};"),
            ("node_modules/qr/dom.js", "export {};"),
            ("node_modules/qr/index.js", "export {};"),
            ("node_modules/eslint/index.js", "export {};"),
            ("test/chat.test.js", "fail"),
            ("package.json", "{}"),
        ] {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().expect("it has one")).expect("a temporary folder");
            std::fs::write(path, text).expect("a temporary file");
        }
        let names: Vec<_> = shipped(&folder)
            .expect("a folder")
            .into_iter()
            .map(|path| relative(&folder, &path))
            .collect();
        assert_eq!(
            names,
            [
                "_locales/en/messages.json",
                "icons/corella.svg",
                "manifest.json",
                "node_modules/qr/LICENSE",
                "node_modules/qr/LICENSE-MIT",
                "node_modules/qr/decode.js",
                "node_modules/qr/index.js",
                "src/chat/page.js"
            ]
        );
        std::fs::remove_dir_all(folder).expect("it is there");
    }
}
