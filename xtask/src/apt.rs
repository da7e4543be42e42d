//! Installs what is missing through apt-get; on other systems says what is missing, by name.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::needs::Need;
use crate::place::Place;
use crate::step::{Failure, quietly, step};

/// Makes sure that every need is met: installs the missing packages, and only those.
pub(crate) fn provide(place: &Place, needs: &[&[Need]]) -> Result<(), Failure> {
    let missing = missing(needs);
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !Path::new("/usr/bin/apt-get").exists() {
        return Err(Failure::new(format!(
            "these are missing (names as on Debian; install them with your system's package manager): {list}"
        )));
    }
    refuse_snap(&missing)?;
    let log = place.target().join("apt.log");
    step(&format!("install through apt-get: {list}"), || {
        // Package lists may be absent or old: then fetch them and try once more.
        if quietly(&mut apt_get(&["install"], &missing)?, &log).is_err() {
            quietly(&mut apt_get(&["update"], &[])?, &log)?;
            quietly(&mut apt_get(&["install"], &missing)?, &log)?;
        }
        let left = self::missing(needs);
        if left.is_empty() {
            Ok(())
        } else {
            Err(Failure::new(format!(
                "still missing after the installation: {}",
                left.join(" ")
            )))
        }
    })
}

/// The packages of all needs that are not met, each once, in order.
fn missing(needs: &[&[Need]]) -> Vec<&'static str> {
    let mut packages = Vec::new();
    for need in needs.iter().flat_map(|list| list.iter()) {
        if !packages.contains(&need.package) && !need.is_met() {
            packages.push(need.package);
        }
    }
    packages
}

/// One apt-get command, through sudo unless we are root.
fn apt_get(verb: &[&str], packages: &[&str]) -> Result<Command, Failure> {
    let options = [
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "-y",
        "--no-install-recommends",
    ];
    let mut command = if is_root() {
        Command::new("env")
    } else if Path::new("/usr/bin/sudo").exists() {
        let mut command = Command::new("sudo");
        command.arg("env");
        command
    } else {
        let list = packages.join(" ");
        return Err(Failure::new(format!(
            "neither root nor sudo: run as root: apt-get install {list}"
        )));
    };
    command.args(options).args(verb).args(packages);
    Ok(command)
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").stdin(Stdio::null()).output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// A Thunderbird in a snap cannot start hosts on this system: better no Thunderbird than that one.
fn refuse_snap(packages: &[&str]) -> Result<(), Failure> {
    if !packages.contains(&"thunderbird") {
        return Ok(());
    }
    let policy = Command::new("apt-cache").args(["policy", "thunderbird"]).output();
    let text = policy
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    if text
        .lines()
        .any(|line| line.trim_start().starts_with("Candidate:") && line.contains("snap"))
    {
        return Err(Failure::new(
            "this system's Thunderbird package is a snap, which cannot start Corella's host: \
             install Thunderbird ESR from thunderbird.net and put its folder on the PATH",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::needs;

    #[test]
    fn what_is_missing_is_named_once() {
        let present: Vec<_> = needs::BUILD
            .iter()
            .filter(|need| need.is_met())
            .map(|need| need.package)
            .collect();
        let missing = missing(&[needs::BUILD, needs::BUILD]);
        assert_eq!(missing.len() + present.len(), needs::BUILD.len());
        assert!(missing.iter().all(|package| !present.contains(package)));
    }
}
