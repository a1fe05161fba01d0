"""Builders: one small pure function for each ping type, in a tree that reads like the specifications' contents.

A builder takes what varies and gives the payload as JSON text. What does not vary for a client, a session or a
message is passed in as a ready fragment (text without the outer braces), so nothing is serialised twice.

    firefox/            new tab and messaging system ("Metrics we collect")
        basic_metadata.py           the fields that every user event shares
        page_takeover_ping.py ...   one module a section, named by its title
    containers/         event, main, Glean events and baseline pings, and the records that go into them
    nimbus/             what becomes of enrolments ("Standard Events", "Experiment Annotations")
    secure_proxy/       the 22 events of the extension ("List of Planned Events")
    sourcegraph/        the extension's and the web application's calls
"""
