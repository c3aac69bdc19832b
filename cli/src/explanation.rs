//! Why things are where they are: outlooks, notes and units, in words.

use crate::grounds::clause;
use crate::table::{table, Column};
use mizan_client::disputes::Grounds;
use mizan_client::explanations::{Note, Outlook, Units};
use mizan_client::units::{format_amount, format_compute_units};
use serde_json::{Map, Value};

/// Room for an address and the longest name before one, challenger.
const MEANING_WIDTH: u16 = 59;
/// Room for advice.
const ADVICE_WIDTH: u16 = 28;

/// What something waits for, as names and values.
pub(crate) fn outlook_facts(outlook: &Outlook) -> Vec<(String, String)> {
    let mut rows = vec![
        ("now".to_owned(), outlook.rule.clone()),
        ("meaning".to_owned(), outlook.meaning.clone()),
        ("what to do".to_owned(), outlook.what_to_do.clone()),
    ];
    rows.extend(details(&outlook.details));
    rows
}

/// What happened to one job, oldest first.
pub(crate) fn job_history(history: &[Note]) -> String {
    let rows = history.iter().map(|note| {
        let [block, rule, meaning, advice] = cells(note);
        [block, rule, meaning, advice]
    });
    let columns = [
        Column::Right("BLOCK"),
        Column::Left("RULE"),
        Column::Folded("MEANING", MEANING_WIDTH),
        Column::Folded("WHAT TO DO", ADVICE_WIDTH),
    ];
    table(columns, rows.collect())
}

/// What happened to several jobs.
pub(crate) fn history(history: &[Note]) -> String {
    let rows = history.iter().map(|note| {
        let [block, rule, meaning, advice] = cells(note);
        let job = note.job.map(|job| job.to_string()).unwrap_or_default();
        [job, block, rule, meaning, advice]
    });
    let columns = [
        Column::Right("JOB"),
        Column::Right("BLOCK"),
        Column::Left("RULE"),
        Column::Folded("MEANING", MEANING_WIDTH),
        Column::Folded("WHAT TO DO", ADVICE_WIDTH),
    ];
    table(columns, rows.collect())
}

fn cells(note: &Note) -> [String; 4] {
    [
        note.block.to_string(),
        note.rule.clone(),
        with_details(&note.meaning, &note.details),
        note.what_to_do.clone(),
    ]
}

/// A meaning, and below it the accounts and amounts, one a line.
pub(crate) fn with_details(meaning: &str, of_rule: &Map<String, Value>) -> String {
    let mut lines = vec![meaning.to_owned()];
    let of_rule = details(of_rule).into_iter();
    lines.extend(of_rule.map(|(name, value)| format!("{name} {value}")));
    lines.join("\n")
}

/// The accounts and amounts of a rule, with commas between.
pub(crate) fn in_one_line(of_rule: &Map<String, Value>) -> String {
    let of_rule = details(of_rule).into_iter();
    let of_rule = of_rule.map(|(name, value)| format!("{name} {value}"));
    of_rule.collect::<Vec<_>>().join(", ")
}

/// The accounts, blocks and amounts of a rule, with their names in words.
fn details(details: &Map<String, Value>) -> Vec<(String, String)> {
    let named = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::Null => return None,
            Value::String(text) => in_words(name, text),
            other if name == "grounds" => grounds(other),
            other => other.to_string(),
        };
        Some((name.replace('_', " "), value))
    };
    details.iter().filter_map(named).collect()
}

/// What a conviction was for. A newer node may know grounds that this program does not.
fn grounds(value: &Value) -> String {
    let grounds = serde_json::from_value::<Grounds>(value.clone());
    grounds.map_or_else(|_| value.to_string(), |grounds| clause(&grounds))
}

/// Decimal texts are amounts, or sizes where their name says so.
pub(crate) fn in_words(name: &str, text: &str) -> String {
    match text.parse::<u128>() {
        Ok(macs) if name.ends_with("macs") => format_compute_units(macs),
        Ok(amount) => format_amount(amount),
        Err(_) => text.to_owned(),
    }
}

/// What a provider's workers did, in compute units.
pub(crate) fn units(units: &Units) -> Vec<(String, String)> {
    let rows = [
        ("units claimed", &units.claimed_macs),
        ("units accepted", &units.accepted_macs),
        ("units rejected", &units.rejected_macs),
        ("units pending", &units.pending_macs),
    ];
    let in_units = |macs: &String| {
        macs.parse()
            .map_or_else(|_| macs.clone(), format_compute_units)
    };
    let rows = rows.map(|(name, macs)| (name.to_owned(), in_units(macs)));
    rows.to_vec()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    /// A job's way to its payment, with one decline before.
    pub(crate) fn notes() -> Vec<Note> {
        let worker = "5CiPPseXPECbkjWCa6MnjNokrgYjMqmKndv2rSnekmSK2DjL";
        let notes = json!([
            { "block": 3, "rule": "posted", "meaning": "the job was posted; payment and deposit \
              are held", "what_to_do": "nothing", "held": "500000000000",
              "deposit": "110000000000" },
            { "block": 4, "rule": "declined", "meaning": "the worker could not fetch an input or \
              parameter of the right length and hash", "what_to_do": "requester: put every input \
              and parameter on a blob server that the job names", "worker": worker,
              "reason": "inputs_unavailable", "paused_until_block": 8 },
            { "block": 19, "rule": "settled", "meaning": "the challenge period passed: the \
              payment was split and the contribution recorded", "what_to_do": "nothing",
              "worker_paid": "85002741760", "minted": "4000129024" },
        ]);
        serde_json::from_value(notes).unwrap()
    }

    /// The end of a job whose worker was convicted, after another was taken from its provider.
    pub(crate) fn conviction() -> Vec<Note> {
        let provider = "5CBHb3LfgN2Shc25gnSHwpvNCPZMe6QAaFR77C5nkVvkAK1o";
        let grounds = json!({ "kind": "wrong_element", "operation": 2, "index": 5 });
        let notes = json!([
            { "block": 5, "rule": "recalled", "meaning": "the worker's provider was convicted for \
              another job: this one is open again", "what_to_do": "requester: wait for another \
              worker", "worker": provider, "provider": provider },
            { "block": 16, "rule": "convicted", "meaning": "a number of the result was proved \
              wrong: the lock is lost, the requester has the payment back", "what_to_do":
              "requester: post again; provider: find the fault in hardware or software, then \
              deregister the worker and register it again", "provider": provider,
              "grounds": grounds, "challenger": provider, "rewarded": "225000000000",
              "burned": "900000000001", "refunded": "210000000000" },
        ]);
        serde_json::from_value(notes).unwrap()
    }

    /// What a job waits for that is too cheap.
    pub(crate) fn outlook() -> Outlook {
        let outlook = json!({
            "rule": "asks_above_offer",
            "meaning": "every idle worker asks for more than the job offers",
            "what_to_do": "cancel the job and post it with a price of at least the lowest ask",
            "lowest_ask": "20000000000", "offer": "10000000000",
        });
        serde_json::from_value(outlook).unwrap()
    }

    #[test]
    fn amounts_sizes_and_blocks_of_a_rule_are_told_apart() {
        let of_rule = json!({
            "burned": "1500000000000", "macs": "2500000000", "block": 7, "reason": "too_large",
            "worker": null,
        });
        let rows = details(of_rule.as_object().unwrap());
        let row = |name: &str| {
            let row = rows.iter().find(|(named, _)| named == name);
            row.map(|(_, value)| value.as_str())
        };
        assert_eq!(row("burned"), Some("1.5 MZN"));
        assert_eq!(row("macs"), Some("2.5 CU"));
        assert_eq!(row("block"), Some("7"));
        assert_eq!(row("reason"), Some("too_large"));
        assert_eq!(row("worker"), None);
    }

    #[test]
    fn what_a_conviction_was_for_is_said_in_words() {
        let of_rule = |grounds: Value| {
            let of_rule = json!({ "grounds": grounds, "challenger": null });
            in_one_line(of_rule.as_object().unwrap())
        };
        let wrong = json!({ "kind": "wrong_element", "operation": 2, "index": 5 });
        let said = of_rule(wrong);
        assert_eq!(said, "grounds element 5 of operation 2 is wrong");
        let request = json!({ "kind": "chunks", "blob": "trace", "first": 0, "count": 8 });
        let said = of_rule(json!({ "kind": "unanswered", "request": request }));
        assert_eq!(
            said,
            "grounds it did not give chunks 0 to 7 of the trace in time"
        );
        let unknown = of_rule(json!({ "kind": "perjury" }));
        assert_eq!(unknown, "grounds {\"kind\":\"perjury\"}");
    }

    #[test]
    fn histories_are_tables_with_folded_sentences() {
        insta::assert_snapshot!("job_history", job_history(&notes()));
        let mut notes = notes();
        notes.iter_mut().for_each(|note| note.job = Some(7));
        insta::assert_snapshot!("account_history", history(&notes));
        insta::assert_snapshot!("convicted_history", job_history(&conviction()));
    }

    #[test]
    fn units_are_compute_units_with_decimals() {
        let of_provider = Units {
            claimed_macs: "3225600".into(),
            accepted_macs: "2000000000".into(),
            rejected_macs: "0".into(),
            pending_macs: "1".into(),
        };
        let rows = units(&of_provider);
        let values: Vec<&str> = rows.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["0.0032256 CU", "2 CU", "0 CU", "0.000000001 CU"]);
    }
}
