//! `corella search`: the running host is asked, or the store opened for reading.

use std::{path::PathBuf, process::ExitCode};

use chrono::TimeZone;
use corella_transcripts::Transcripts;
use serde_json::{Value, json};

use super::install;
use crate::{
    cli::{self, SearchArgs},
    host, logging, paths,
};

pub(crate) fn run(args: SearchArgs) -> ExitCode {
    logging::start();
    match search(&args) {
        Ok(result) => print(&args, &result),
        Err(what) => cli::failed(&what),
    }
}

fn search(args: &SearchArgs) -> Result<Value, String> {
    let directory = args.data.clone().map_or_else(only_profile, Ok)?;
    let absent = || format!("there is no Corella data at {}", directory.display());
    let data = paths::DataDir::existing(&directory).map_err(|_| absent())?;
    let params = json!({ "query": args.query, "limit": args.limit });
    let running = host::call_running(&data.control(), "messages/search", &params).map_err(|error| error.to_string())?;
    match running {
        Some(Ok(result)) => Ok(result),
        Some(Err(error)) => Err(explain(&error)),
        None => {
            let transcripts = Transcripts::open_read_only(data.transcripts()).map_err(|error| error.to_string())?;
            let found = host::search(&transcripts, &args.query, args.limit as usize, None);
            let found = found.map_err(|error| explain(&error.to_json()))?;
            serde_json::to_value(found).map_err(|error| error.to_string())
        }
    }
}

fn explain(error: &Value) -> String {
    let message = error["message"].as_str().unwrap_or("the search failed");
    match error["data"]["detail"].as_str() {
        Some(detail) => format!("{message}: {detail}"),
        None => message.to_owned(),
    }
}

fn only_profile() -> Result<PathBuf, String> {
    let home = paths::data_home().map_err(|error| error.to_string())?;
    let mut profiles = install::profiles(&home);
    match (profiles.pop(), profiles.is_empty()) {
        (Some(profile), true) => Ok(profile),
        (None, _) => Err("there are no conversations yet; name another place with --data".into()),
        (Some(_), false) => Err(format!(
            "there are several profiles below {}; name one with --data",
            home.display()
        )),
    }
}

#[expect(clippy::print_stdout, reason = "the command's output")]
fn print(args: &SearchArgs, result: &Value) -> ExitCode {
    if args.json {
        println!("{result}");
        return ExitCode::SUCCESS;
    }
    let hits = result["hits"].as_array().cloned().unwrap_or_default();
    for hit in &hits {
        let at = chrono::Local
            .timestamp_millis_opt(hit["at"].as_i64().unwrap_or(0))
            .single();
        let at = at.map(|t| t.format("%Y-%m-%d %H:%M").to_string()).unwrap_or_default();
        let arrow = if hit["direction"] == "in" { "<" } else { ">" };
        // A peer's text must not steer the terminal.
        let snippet: String = hit["snippet"]
            .as_str()
            .unwrap_or_default()
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        println!("{at}  {arrow} {}  {snippet}", hit["with"].as_str().unwrap_or_default());
    }
    println!("{} of {}", hits.len(), result["total"]);
    ExitCode::SUCCESS
}
