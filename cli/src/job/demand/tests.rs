//! How demands are written, and what is said of them.

use super::*;
use mizan_client::AccountId;

#[test]
fn an_element_is_an_operation_and_an_index() {
    let request = Request::Element {
        operation: 2,
        index: 35,
    };
    assert_eq!(element("2:35"), Ok(request));
    for bad in ["", "2", "2:", ":35", "2:35:1", "-1:0", "65536:0", "trace:0"] {
        assert!(element(bad).is_err(), "{bad}");
    }
}

#[test]
fn chunks_and_nodes_are_of_a_blob_whose_name_may_hold_a_colon() {
    let of = |blob, first, count| Ok(Request::Chunks { blob, first, count });
    assert_eq!(chunks("trace:0:8"), of(BlobRef::Trace, 0, 8));
    assert_eq!(chunks("input:1:16:1"), of(BlobRef::Input(1), 16, 1));
    assert_eq!(chunks("parameter:0:2:3"), of(BlobRef::Parameter(0), 2, 3));
    let request = Request::Nodes {
        blob: BlobRef::Output(2),
        level: 8,
        index: 1,
    };
    assert_eq!(nodes("output:2:8:1"), Ok(request));
    for bad in [
        "",
        "trace",
        "trace:0",
        "input:0:8",
        "trace:0:256",
        "blob:0:0:8",
    ] {
        assert!(chunks(bad).is_err(), "{bad}");
    }
    assert!(nodes("trace:256:0").is_err());
}

fn made(end: Option<End>) -> Made {
    Made {
        job: 7,
        demand: Open {
            id: 3,
            demander: AccountId([1; 32]),
            request: Request::Chunks {
                blob: BlobRef::Trace,
                first: 0,
                count: 8,
            },
            deposit: 100_000_000_000,
            answer_by_time: 30,
        },
        earliest_block: 32,
        included: json!({ "block": 21, "transaction": "0x12" }),
        file: end.as_ref().map(|_| PathBuf::from("answer.bin")),
        end,
    }
}

#[test]
fn a_demand_is_said_with_its_deposit_and_until_when_it_is_to_be_answered() {
    insta::assert_snapshot!("made", made(None).text());
    let object = serde_json::to_string_pretty(&made(None).object()).unwrap();
    insta::assert_snapshot!("made_json", object);
}

#[test]
fn an_answer_is_said_with_its_file_and_whether_it_convicts() {
    let answered = |convicts| {
        made(Some(End::Answered(Answer {
            block: 23,
            bytes: Some(vec![0; 8_640]),
            convicts,
        })))
    };
    assert_eq!(
        answered(false).text(),
        "demand 3 of job 7 is answered in block 23; the answer is in answer.bin (8640 bytes)"
    );
    let said = answered(true).text();
    assert!(said.contains("the answer convicts the worker"), "{said}");
    let object = answered(false).object();
    assert_eq!(object["end"], "answered");
    assert_eq!(object["end_block"], 23);
    assert_eq!(object["bytes"], 8_640);
    assert_eq!(object["convicted"], false);
}

#[test]
fn silence_is_said_with_the_conviction() {
    let silent = made(Some(End::Convicted {
        block: 33,
        sentence: "its worker was convicted".into(),
    }));
    assert_eq!(silent.text(), "its worker was convicted");
    assert_eq!(silent.object()["end"], "convicted");
    assert_eq!(silent.object()["end_block"], 33);
}

#[test]
fn an_answer_inside_another_call_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answer");
    let answer = |bytes| Answer {
        block: 23,
        bytes,
        convicts: false,
    };
    let failure = write(&path, &answer(None)).unwrap_err();
    assert_eq!(failure.kind, Kind::Other);
    assert!(!path.exists());
    write(&path, &answer(Some(vec![1, 2]))).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), [1, 2]);
}
