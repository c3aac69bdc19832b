//! What the command line takes and refuses, and its help.

use super::*;
use clap::{error::ErrorKind, CommandFactory};

const ADDRESS: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

fn parse(words: &[&str]) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from(["mizan"].iter().chain(words))
}

fn refused(words: &[&str]) -> ErrorKind {
    parse(words).unwrap_err().kind()
}

#[test]
fn the_command_line_is_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn help_names_every_exit_code() {
    let help = Arguments::command().render_help().to_string();
    for code in 0..=8 {
        assert!(help.contains(&format!("\n  {code}  ")), "{code} in {help}");
    }
}

/// The words of every command, and of every group of commands.
fn commands(command: &clap::Command, words: &[String], found: &mut Vec<Vec<String>>) {
    found.push(words.to_vec());
    for below in command.get_subcommands() {
        let name = below.get_name().to_owned();
        commands(below, &[words, &[name]].concat(), found);
    }
}

#[test]
fn the_help_of_every_command_is_as_reviewed() {
    let mut all = Vec::new();
    commands(&Arguments::command(), &[], &mut all);
    assert!(all.len() > 40, "{}", all.len());
    for words in all {
        let name = [&["help".to_owned()], &words[..]].concat().join("_");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let help = parse(&[&words[..], &["--help"]].concat()).unwrap_err();
        assert_eq!(help.kind(), ErrorKind::DisplayHelp, "{words:?}");
        insta::assert_snapshot!(name, help.to_string());
    }
}

#[test]
fn a_key_comes_from_one_place() {
    let words = ["account", "balance", "--key", "//Bob", "--key-file", "key"];
    assert_eq!(refused(&words), ErrorKind::ArgumentConflict);
}

#[test]
fn numbers_and_amounts_are_checked_before_anything_is_done() {
    let hash = format!("0x{}", "0".repeat(64));
    let post = [
        "job", "post", "--model", &hash, "--input", "i", "--batch", "1", "--price",
    ];
    let with = |price| refused(&[&post[..], &[price]].concat());
    assert_eq!(with("much"), ErrorKind::ValueValidation);
    assert_eq!(with("0.0000000000001"), ErrorKind::ValueValidation);
    for words in [
        &["job", "watch", "one"][..],
        &["model", "show", "0x12"],
        &["account", "transfer", "--to", "me", "--amount", "1"],
        &["job", "list", "--limit", "0"],
        &["job", "list", "--limit", "1001"],
        &["account", "explain", "--limit", "101"],
        &["provider", "bond", "much"],
        &["auditor", "register", "--bond", "much"],
        &["job", "audit", "one"],
        &["blobs", "get", "0x12", "--out", "o"],
    ] {
        assert_eq!(refused(words), ErrorKind::ValueValidation, "{words:?}");
    }
}

#[test]
fn blob_servers_are_addresses_without_secrets() {
    let hash = format!("0x{}", "0".repeat(64));
    let get = ["blobs", "get", &hash, "--out", "o", "--server"];
    for bad in [
        "somewhere",
        "ftp://blobs.example.org",
        "https://me:secret@blobs.example.org",
        "https://blobs.example.org/?token=secret",
    ] {
        let words = [&get[..], &[bad]].concat();
        assert_eq!(refused(&words), ErrorKind::ValueValidation, "{bad}");
    }
    assert!(parse(&[&get[..], &["https://blobs.example.org"]].concat()).is_ok());
}

#[test]
fn jobs_are_listed_one_way() {
    let list = |words: &[&str]| parse(&[&["job", "list"][..], words].concat());
    let kind = |words: &[&str]| list(words).unwrap_err().kind();
    assert!(list(&["--open", "--after", "3"]).is_ok());
    assert!(list(&["--requester", ADDRESS, "--before", "3"]).is_ok());
    let both = ["--requester", ADDRESS, "--provider", ADDRESS];
    assert_eq!(kind(&both), ErrorKind::ArgumentConflict);
    let page = ["--requester", ADDRESS, "--after", "3"];
    assert_eq!(kind(&page), ErrorKind::ArgumentConflict);
    assert_eq!(kind(&["--before", "3"]), ErrorKind::MissingRequiredArgument);
}

#[test]
fn a_result_is_checked_one_way_and_in_some_memory() {
    let verify = |words: &[&str]| {
        let words = [&["job", "verify", "7"][..], words].concat();
        parse(&words).map(drop).map_err(|error| error.kind())
    };
    assert_eq!(verify(&[]), Ok(()));
    assert_eq!(verify(&["--item", "3", "--item", "5", "--submit"]), Ok(()));
    assert_eq!(verify(&["--items", "9", "--memory", "16GiB"]), Ok(()));
    for two in [
        &["--full", "--items", "9"][..],
        &["--full", "--item", "3"],
        &["--items", "9", "--item", "3"],
    ] {
        assert_eq!(verify(two), Err(ErrorKind::ArgumentConflict), "{two:?}");
    }
    for wrong in [&["--items", "0"][..], &["--memory", "4GB"]] {
        assert_eq!(verify(wrong), Err(ErrorKind::ValueValidation), "{wrong:?}");
    }
}

#[test]
fn one_thing_is_demanded_at_a_time() {
    let demand = |words: &[&str]| {
        let words = [&["job", "demand", "7"][..], words].concat();
        parse(&words).map(drop).map_err(|error| error.kind())
    };
    let missing = Err(ErrorKind::MissingRequiredArgument);
    assert_eq!(demand(&[]), missing);
    assert_eq!(demand(&["--chunks", "trace:0:8", "--wait"]), Ok(()));
    assert_eq!(demand(&["--nodes", "input:0:8:0"]), Ok(()));
    let written = ["--element", "2:35", "--out", "answer"];
    assert_eq!(demand(&written), missing);
    assert_eq!(demand(&[&written[..], &["--wait"]].concat()), Ok(()));
    let two = demand(&["--element", "2:35", "--chunks", "trace:0:8"]);
    assert_eq!(two, Err(ErrorKind::ArgumentConflict));
    assert_eq!(
        demand(&["--chunks", "trace"]),
        Err(ErrorKind::ValueValidation)
    );
}

#[test]
fn a_worker_consents_by_its_key_or_by_what_it_signed() {
    let consent = format!("0x{}", "7".repeat(128));
    let register = |words: &[&str]| {
        let words = [&["provider", "register-worker", "--ask", "1"][..], words].concat();
        parse(&words).map(drop).map_err(|error| error.kind())
    };
    assert_eq!(register(&[]), Ok(()));
    assert_eq!(register(&["--worker-key-file", "key"]), Ok(()));
    let both = ["--worker", ADDRESS, "--consent", &consent];
    assert_eq!(register(&both), Ok(()));
    let missing = Err(ErrorKind::MissingRequiredArgument);
    assert_eq!(register(&["--worker", ADDRESS]), missing);
    assert_eq!(register(&["--consent", &consent]), missing);
    let two = [&both[..], &["--worker-key-file", "key"]].concat();
    assert_eq!(register(&two), Err(ErrorKind::ArgumentConflict));
}
