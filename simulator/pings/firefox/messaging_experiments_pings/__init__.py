"""Section "Messaging-experiments pings": records in the documents, events of the event ping on the wire."""
