//! What the commands need from the system, how to see whether it is there, and which Debian package brings it.

use std::path::Path;
use std::process::{Command, Stdio};

/// How to see whether something is there.
#[derive(Clone, Copy, Debug)]
enum Sign {
    /// A program on the path.
    Program(&'static str),
    /// A file or folder.
    File(&'static str),
    /// A command that succeeds.
    Succeeds(&'static [&'static str]),
}

/// One thing the system must have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    sign: Sign,
    /// The package's name on Debian and Ubuntu; close to its name elsewhere.
    pub(crate) package: &'static str,
}

impl Need {
    /// Whether it is there.
    pub(crate) fn is_met(&self) -> bool {
        match self.sign {
            Sign::Program(name) => on_path(name),
            Sign::File(path) => Path::new(path).exists(),
            Sign::Succeeds(words) => succeeds(words),
        }
    }
}

const fn program(name: &'static str, package: &'static str) -> Need {
    Need {
        sign: Sign::Program(name),
        package,
    }
}

/// To build the host.
pub(crate) const BUILD: &[Need] = &[
    program("cc", "build-essential"),
    program("pkg-config", "pkg-config"),
    Need {
        sign: Sign::Succeeds(&["pkg-config", "--exists", "openssl"]),
        package: "libssl-dev",
    },
];

/// To prepare and drive Thunderbird.
pub(crate) const THUNDERBIRD: &[Need] = &[
    program("thunderbird", "thunderbird"),
    program("python3", "python3"),
    Need {
        sign: Sign::Succeeds(&["python3", "-c", "import venv, ensurepip"]),
        package: "python3-venv",
    },
];

/// A display of our own, a window manager on it, and pictures of it.
pub(crate) const DISPLAY: &[Need] = &[
    program("Xvfb", "xvfb"),
    program("openbox", "openbox"),
    program("import", "imagemagick"),
    Need {
        sign: Sign::File("/usr/share/fonts/truetype/dejavu"),
        package: "fonts-dejavu-core",
    },
    Need {
        sign: Sign::File("/usr/share/fonts-droid-fallback"),
        package: "fonts-droid-fallback",
    },
];

/// Python alone, for its virtual environment.
pub(crate) const PYTHON: &[Need] = &[THUNDERBIRD[1], THUNDERBIRD[2]];

/// To test the add-on's pages in an ordinary browser.
pub(crate) const BROWSER: &[Need] = &[program("chromium", "chromium"), DISPLAY[3], DISPLAY[4]];

/// Second opinions (certificates by `openssl`, signatures by `xmlsec1`, sockets by `ss`, units by `systemd-analyze`), and networks and days
/// to try things in.
pub(crate) const OPINIONS: &[Need] = &[
    program("openssl", "openssl"),
    program("xmlsec1", "xmlsec1"),
    program("ss", "iproute2"),
    program("systemd-analyze", "systemd"),
    program("unshare", "util-linux"),
    program("faketime", "faketime"),
];

/// What the overlay is measured beside: OpenDHT, in a network namespace of its own.
pub(crate) const YARDSTICK: &[Need] = &[
    program("dhtnode", "dhtnode"),
    Need {
        sign: Sign::Succeeds(&["/usr/bin/python3", "-c", "import opendht"]),
        package: "python3-opendht",
    },
    program("ip", "iproute2"),
    program("unshare", "util-linux"),
];

/// A mail server, for letters and whoever reads them.
pub(crate) const MAIL: &[Need] = &[
    Need {
        sign: Sign::File("/usr/sbin/exim4"),
        package: "exim4-daemon-light",
    },
    Need {
        sign: Sign::File("/usr/lib/dovecot/imap"),
        package: "dovecot-imapd",
    },
    Need {
        sign: Sign::File("/usr/lib/dovecot/lmtp"),
        package: "dovecot-lmtpd",
    },
];

fn on_path(name: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()))
}

fn succeeds(words: &[&str]) -> bool {
    let Some((program, arguments)) = words.split_first() else {
        return false;
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_tells_what_is_there_from_what_is_not() {
        assert!(program("sh", "dash").is_met());
        assert!(!program("no-such-program-here", "nothing").is_met());
        assert!(
            Need {
                sign: Sign::Succeeds(&["sh", "-c", "exit 0"]),
                package: "dash"
            }
            .is_met()
        );
        assert!(
            !Need {
                sign: Sign::Succeeds(&["sh", "-c", "exit 1"]),
                package: "dash"
            }
            .is_met()
        );
        assert!(
            !Need {
                sign: Sign::File("/no/such/file"),
                package: "nothing"
            }
            .is_met()
        );
    }
}
