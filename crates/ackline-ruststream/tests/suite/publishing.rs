//! What is published.

use crate::support::{Order, body, engine, entries};
use ackline_consumer::CORRELATION_ID;
use ackline_ruststream::prelude::*;
use ruststream::{Broker, ConnectedBroker};

type Anyway<T = ()> = anyhow::Result<T>;

#[tokio::test]
async fn an_envelope_and_plain_fields_say_the_same() -> Anyway {
    let (engine, broker) = engine();
    let connected = broker.connect().await?;
    let headers: HeaderMap =
        [("correlation-id", "c-1"), ("reply-to", "answers"), ("tenant", "north")].into_iter().collect();
    let publisher = Publish::new().content_type("application/json").live(&connected);
    publisher.message(&Order { id: 7 }).with_headers(headers.clone()).publish().await?;
    publisher.message(&Order { id: 7 }).with_headers(headers).format(Format::FastStream).publish().await?;
    let [plain, enveloped] = &entries(&engine, "orders")[..] else { panic!("two entries") };
    assert!(plain.get("data").is_some() && enveloped.get("__data__").is_some());
    assert_eq!((plain.len(), enveloped.len()), (5, 1));
    let (plain, enveloped) = (body(plain), body(enveloped));
    assert_eq!(plain.payload(), enveloped.payload());
    for name in [CORRELATION_ID, "reply_to", "tenant", "content-type"] {
        assert_eq!(plain.headers.get(name), enveloped.headers.get(name), "{name}");
        assert!(plain.headers.get(name).is_some(), "{name}");
    }
    connected.shutdown().await?;
    Ok(())
}

#[tokio::test]
async fn once_is_once() -> Anyway {
    let (engine, broker) = engine();
    let connected = broker.connect().await?;
    let publisher = Publish::new().producer("shop").live(&connected);
    for _ in 0..2 {
        publisher.message(&Order { id: 7 }).once("order-7").publish().await?;
    }
    assert_eq!(entries(&engine, "orders").len(), 1);
    let by_content = Publish::new().once_by_content("till").live(&connected);
    for id in [1, 1, 2] {
        by_content.message(&Order { id }).publish().await?;
    }
    assert_eq!(entries(&engine, "orders").len(), 3);
    let nobody = connected.publisher().message(&Order { id: 8 }).once("order-8").publish().await;
    assert!(nobody.is_err(), "without a producer");
    Ok(())
}

#[tokio::test]
async fn a_stream_has_bounds() -> Anyway {
    let (engine, broker) = engine();
    let connected = broker.connect().await?;
    let publisher = Publish::new().max_len(100).live(&connected);
    for id in 0..1000 {
        publisher.message(&Order { id }).publish().await?;
    }
    let kept = entries(&engine, "orders").len();
    assert!((100..500).contains(&kept), "{kept}");
    Ok(())
}

#[tokio::test]
async fn a_transaction_is_one_step() -> Anyway {
    use ruststream::OutgoingMessage;
    let (engine, broker) = engine();
    let connected = broker.connect().await?;
    let publisher = connected.publisher();
    let mut transaction = publisher.transaction().await?;
    for payload in [b"1", b"2"] {
        transaction.publish(OutgoingMessage::new("orders", payload.as_slice()), None).await?;
    }
    assert!(matches!(engine.command(&["XLEN", "orders"]), Ok(ackline::Reply::Int(0))));
    transaction.commit().await?;
    assert_eq!(entries(&engine, "orders").len(), 2);
    Ok(())
}
