//! Blobs: bytes that are named by their BLAKE3 hash, so that it does not matter who gives them.
//!
//! # Overview
//! A requester puts a job's inputs somewhere, a worker gets them and puts outputs and trace. That
//! place may be a folder that both share, or servers that the job names. Nobody needs to trust a
//! server: whatever it sends is checked against the hash while it comes, every 16 KiB. Who needs
//! only some bytes of a blob gets them as a *slice*, with the hashes that prove them.
//!
//! | part | what it is |
//! | --- | --- |
//! | [`BlobStore`], [`LocalBlobStore`] | blobs in a folder |
//! | [`BlobServer`], [`Storage`] | serves a folder or any object store over HTTP |
//! | [`Gate`], [`Tokens`] | who may upload |
//! | [`GarbageRules`] | what is removed, and when |
//! | [`BlobClient`] | fetches blobs and slices from servers, pushes blobs to them |
//! | [`UploadRight`] | what entitles to an upload |
//! | [`AdviceList`] | under which names an auditor finds the accumulators of a job's result |
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use mizan_blobs::{
//!     BlobClient, BlobServer, BlobStore, ClientSettings, LocalBlobStore, Nobody, Settings,
//!     Storage, Tokens, UploadRight,
//! };
//!
//! // A server that takes uploads from whoever knows the token.
//! let storage = Storage::in_folder(LocalBlobStore::open("served")?)?;
//! let token = "correct-horse-battery";
//! let settings = Settings { tokens: Tokens::new([token])?, ..Settings::default() };
//! let server = BlobServer::bind("127.0.0.1:0".parse()?, storage, settings, Box::new(Nobody)).await?;
//! let url = format!("http://{}", server.address()).parse()?;
//! tokio::spawn(server.run(std::future::pending()));
//!
//! // A client that pushes a blob, and another folder into which it is fetched.
//! let client = BlobClient::new(ClientSettings { allow_private: true, ..Default::default() })?;
//! let (mine, yours) = (LocalBlobStore::open("mine")?, LocalBlobStore::open("yours")?);
//! let hash = mine.put(b"hello").await?;
//! let right = UploadRight::Token(token.into());
//! client.push(&[url], hash, &mine, &right, None).await?;
//! # let url = "http://127.0.0.1".parse()?;
//! client.fetch(&[url], hash, 1_000, &yours).await?;
//!
//! // Byte 1 of the five, with its proof.
//! # let url = "http://127.0.0.1".parse()?;
//! let slice = client.slice(&[url], hash, 5, 1, 1).await?;
//! let blob = mizan_tensor::Blob { hash, length: 5 };
//! assert_eq!(mizan_tensor::read_slice(&mut &slice[..], &blob, 1, 1)?, b"e");
//! # Ok(()) }
//! ```
//!
//! # HTTP API
//! `HASH` is the BLAKE3 hash in 64 hex digits (`b3sum FILE` prints it), `SERVER` for example
//! `http://127.0.0.1:8080`.
//!
//! | request | who may | what it gives |
//! | --- | --- | --- |
//! | `GET /v1/health` | all | `{ "ready": true, "version": .. }` |
//! | `GET /v1/blobs/HASH`, `HEAD` | all | the bytes; `Range` is understood. **Check the hash** |
//! | `GET /v1/blobs/HASH/verified?from=BYTE` | all | a verified stream |
//! | `GET /v1/blobs/HASH/slice?start=BYTE&length=BYTES` | all | a slice; header `Blob-Length` |
//! | `GET /v1/uploads/HASH`, `HEAD` | who may upload | `{ "arrived": bytes, "complete": bool }` and the same as header `Upload-Offset`; needs `Upload-Length` |
//! | `PUT /v1/blobs/HASH` | who may upload | 201, or 200 where the blob was there: `{ "hash": "0x.." }` |
//! | `GET /v1/advice/JOB` | all | the job's advice list. **Nobody says that it is right** |
//! | `PUT /v1/advice/JOB?hash=HASH` | who may upload | 201, or 200 where it replaces one: `{ "hash": "0x.." }` |
//!
//! ```text
//! curl SERVER/v1/health
//! curl --head SERVER/v1/blobs/HASH
//! curl --output FILE SERVER/v1/blobs/HASH && b3sum FILE
//! curl --output FILE --continue-at - SERVER/v1/blobs/HASH
//! curl --dump-header - --output SLICE "SERVER/v1/blobs/HASH/slice?start=BYTE&length=BYTES"
//! curl --header "Authorization: Bearer TOKEN" --upload-file FILE SERVER/v1/blobs/HASH
//! curl --header "Authorization: Bearer TOKEN" --header "Upload-Length: BYTES" SERVER/v1/uploads/HASH
//! tail --bytes +$((ARRIVED + 1)) FILE > REST
//! curl --header "Authorization: Bearer TOKEN" --header "Upload-Offset: ARRIVED" --upload-file REST SERVER/v1/blobs/HASH
//! curl SERVER/v1/advice/JOB
//! ```
//!
//! The head of a request has at most 100 headers and about 400 KiB; the server sends no redirects.
//!
//! ## Verified stream
//! 1. The blob's length in bytes, 8 bytes, little-endian.
//! 2. The hash tree in pre-order, the encoding of `bao-tree` with groups of 16 KiB. A node with
//!    more than 16 KiB below it is its two children's hashes (64 bytes), then the left child, then
//!    the right one; the left child has the largest power of two of bytes that leaves some to the
//!    right. A node with at most 16 KiB is these bytes.
//!
//! With `from=BYTE` what lies wholly before the group with that byte is left out, but not the
//! hashes above it. These hashes also let a client check what it has already: nothing on its disk
//! needs trust either.
//!
//! ## Slice
//! The bytes `[start, start + length)` of a blob, 1 to 1,048,576 of them, as the chain takes them for
//! evidence and answers: `mizan_tensor::read_slice` reads them and gives the bytes if they are those
//! of the blob. It is the same tree in the same order, but down to chunks of 1 KiB, and without what
//! has none of these bytes under it. There is no length in front: whoever checks a slice knows it
//! from elsewhere, or takes it from `Blob-Length`, for with a wrong length the hashes do not fit. Of
//! a large blob it is a little more than the bytes themselves: at most 2 KiB for the ends of the
//! first and the last chunk, 64 bytes for each chunk and 128 for each doubling of the blob.
//!
//! Only the groups with these bytes are read. A blob that somebody else put into the folder is read
//! and hashed as a whole when it is asked for the first time.
//!
//! ## Uploads
//! A `PUT` may begin at `Upload-Offset: N` if exactly N bytes have arrived; `Content-Length` is what
//! is still to come. The bytes are collected aside and appear under the hash when all are there
//! and have it; otherwise they are thrown away. Each uploader's bytes are collected by themselves,
//! so that nobody can spoil the upload of somebody else.
//!
//! The header is `Authorization: Bearer TOKEN`, or
//! `Authorization: Mizan account=SS58,expires=UNIX_SECONDS,job=ID,signature=HEX` (`job` may be
//! missing) with the account's sr25519 signature of this text, whose last field is `job=none`
//! without a job:
//!
//! ```text
//! <Bytes>mizan: upload blob
//! server=HOST:PORT
//! hash=0xHASH
//! length=BYTES
//! expires=UNIX_SECONDS
//! job=ID</Bytes>
//! ```
//!
//! `HOST:PORT` is as the client addresses the server, in lower case and always with the port. It is
//! at most an hour valid, with a minute for clocks that differ. `<Bytes>` is what wallets put around
//! messages, so that none is a transaction.
//!
//! ## Advice lists
//! An auditor that checks all of a job can do with less work if it is given the accumulators of the
//! linear operations: 32-bit integers, little-endian, a blob for each operation. Nobody commits to
//! them, so their hashes stand in a list, which the job's worker puts:
//!
//! ```text
//! { "version": 1, "accumulators": [{ "operation": 0, "hash": "0xHASH", "bytes": BYTES }, ..] }
//! ```
//!
//! Operations ascend and are at most 4,096, the list has at most 512 KiB; operations may be missing.
//! A list replaces the one before as a whole. It counts as a blob towards limits and garbage. It is
//! signed like an upload, always for the job in the address, with another first line:
//!
//! ```text
//! <Bytes>mizan: upload advice list
//! server=HOST:PORT
//! hash=0xHASH
//! length=BYTES
//! expires=UNIX_SECONDS
//! job=ID</Bytes>
//! ```
//!
//! ## Errors
//! `{ "error": { "kind": "..", "message": ".." } }` with one of:
//!
//! | status | kind | what to do |
//! | --- | --- | --- |
//! | 400 | `bad_request` | mend the request |
//! | 401 | `unauthorized` | other token or signature |
//! | 403 | `not_allowed` | the gate's sentence says |
//! | 404 | `not_found` | another server |
//! | 405 | `method_not_allowed` | see the table above |
//! | 408 | `slow` | go on where it ended |
//! | 409 | `busy`, `wrong_offset` | ask what arrived, go on there |
//! | 411 | `length_required` | send `Content-Length` |
//! | 413 | `too_large` | another server |
//! | 416 | `range_not_satisfiable` | ask for bytes that the blob has |
//! | 422 | `hash_mismatch` | upload the right bytes |
//! | 429 | `quota` | tomorrow, or another server |
//! | 500 | `corrupt` | upload it again |
//! | 500 | `internal` | later |
//! | 503 | `unavailable`, `too_many_uploads` | later |
//! | 507 | `full` | another server |
//!
//! # Layout of a folder
//! `ab/cd/HASH` is a blob whose hash begins with `abcd`; `outboards/ab/cd/HASH` the hashes of its
//! tree; `advice/ef/01/NAME` an advice list, whose name follows from its job; `uploads/` what is
//! being uploaded, `incoming/` what is being put, `partial/` what is being
//! fetched. A folder may be served and shared with other processes at the same time.
//!
//! # Goals
//! - A wrong byte is found within 16 KiB, whichever server sent it, and costs no more than that.
//! - Memory does not grow with the blob: about 2 MiB for each download of a client, about 4 MiB for
//!   each of a server.
//! - Strangers can name servers without getting into the network of whoever fetches.
//!
//! # Non-goals
//! TLS (put a reverse proxy in front), secrecy (a blob is public to whoever knows its hash), keeping
//! blobs for ever, counting quotas over restarts of the server.
//!
//! # Assumptions
//! BLAKE3 has no collisions. One server at a time has a folder or a bucket for its own. The clock is
//! right within a minute where signatures are used.
#![forbid(unsafe_code)]

mod advice;
mod channel_reader;
mod client;
mod local;
mod name;
mod pace;
mod right;
mod server;
mod slice;
mod store;
mod tree;
mod verifier;

pub use advice::{
    accumulator_bytes, Accumulators, AdviceList, AdviceListError, MAX_ADVICE_LIST_BYTES,
};
pub use client::{BlobClient, ClientSettings, Failure, Pushed, Reason, TransferError};
pub use local::LocalBlobStore;
pub use mizan_tensor::Hash;
pub use name::hex_hash;
pub use object_store;
pub use right::{authority, Account, Content, UploadRight};
pub use server::{
    Accounts, Admission, BlobServer, Collected, GarbageRules, Gate, Limits, Nobody, Refusal,
    ServerError, Settings, Storage, StorageError, Tokens, TokensError, Upload,
};
pub use slice::{keyed_slice, OutOfRange, MAX_SLICE_BYTES};
pub use store::{BlobError, BlobStore};
pub use tree::GROUP_BYTES;
pub use url::Url;
