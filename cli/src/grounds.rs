//! What a worker is convicted of, and what is demanded of one, in words.

use mizan_client::disputes::{blob_name, Accusation, BlobRef, Demanded, Grounds};

/// What an accusation says, as the grounds of the conviction that it would be.
pub(crate) fn of_accusation(accusation: Accusation) -> Grounds {
    match accusation {
        Accusation::Element { operation, index } => Grounds::WrongElement { operation, index },
        Accusation::Output { output, index } => Grounds::WrongOutput { output, index },
        Accusation::Length { blob, length } => Grounds::WrongLength {
            blob: blob_name(blob),
            length,
        },
    }
}

/// What for, as a clause.
pub(crate) fn clause(grounds: &Grounds) -> String {
    match grounds {
        Grounds::WrongElement { operation, index } => {
            format!("element {index} of operation {operation} is wrong")
        }
        Grounds::WrongOutput { output, index } => {
            format!("byte {index} of output {output} is not the one in the trace")
        }
        Grounds::WrongLength { blob, length } => {
            let blob = named(blob);
            format!("{blob} has {length} bytes, which is not what its shape says")
        }
        Grounds::SecondAttestation => "it signed a second result of the same assignment".to_owned(),
        Grounds::Unanswered { request } => format!("it did not give {} in time", wanted(request)),
    }
}

/// What was demanded.
pub(crate) fn wanted(request: &Demanded) -> String {
    match request {
        Demanded::Chunks {
            blob,
            first,
            count: 1,
        } => format!("chunk {first} of {}", named(blob)),
        Demanded::Chunks { blob, first, count } => {
            let last = first.saturating_add(u64::from(*count).saturating_sub(1));
            format!("chunks {first} to {last} of {}", named(blob))
        }
        Demanded::Nodes { blob, level, index } => {
            let blob = named(blob);
            format!("what is below node {index} on level {level} of the hash tree of {blob}")
        }
        Demanded::Element { operation, index } => {
            format!("the proof about element {index} of operation {operation}")
        }
    }
}

/// A blob of a job in words.
pub(crate) fn blob(blob: BlobRef) -> String {
    named(&blob_name(blob))
}

/// The same from how it is written.
fn named(name: &str) -> String {
    match name.split_once(':') {
        Some((kind, index)) => format!("{kind} {index}"),
        None => format!("the {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accusations_are_said_as_clauses() {
        let said = |accusation| clause(&of_accusation(accusation));
        let (operation, index) = (2, 5);
        assert_eq!(
            said(Accusation::Element { operation, index }),
            "element 5 of operation 2 is wrong"
        );
        assert_eq!(
            said(Accusation::Output { output: 0, index }),
            "byte 5 of output 0 is not the one in the trace"
        );
        let long = |blob| said(Accusation::Length { blob, length: 7 });
        assert_eq!(
            long(BlobRef::Trace),
            "the trace has 7 bytes, which is not what its shape says"
        );
        assert!(long(BlobRef::Output(1)).starts_with("output 1 has 7 bytes"));
    }

    #[test]
    fn silence_is_said_with_what_was_demanded() {
        let silent = |request| clause(&Grounds::Unanswered { request });
        let chunks = |count| {
            let (blob, first) = ("input:0".to_owned(), 3);
            silent(Demanded::Chunks { blob, first, count })
        };
        assert_eq!(chunks(1), "it did not give chunk 3 of input 0 in time");
        assert_eq!(
            chunks(4),
            "it did not give chunks 3 to 6 of input 0 in time"
        );
        let nodes = wanted(&Demanded::Nodes {
            blob: "trace".into(),
            level: 8,
            index: 0,
        });
        assert_eq!(
            nodes,
            "what is below node 0 on level 8 of the hash tree of the trace"
        );
    }
}
