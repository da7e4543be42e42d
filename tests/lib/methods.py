"""Every method of the bridge but hello, with parameters that would do."""

METHODS: dict[str, dict[str, str] | None] = {
    "status": None,
    "identity/list": None,
    "identity/enrol": {"address": "alice@example.net"},
    "identity/import": {"address": "alice@example.net", "certificate": "", "key": ""},
    "messages/send": {"to": "bob@example.net", "text": "hello"},
    "messages/list": {"with": "bob@example.net"},
    "messages/conversations": None,
    "messages/search": {"query": "hello"},
    "messages/markRead": {"with": "bob@example.net", "upTo": "id"},
    "messages/retry": {"with": "bob@example.net", "id": "id"},
    "buddies/list": None,
    "buddies/add": {"address": "bob@example.net"},
    "buddies/accept": {"address": "bob@example.net"},
    "buddies/block": {"address": "bob@example.net"},
    "buddies/remove": {"address": "bob@example.net"},
    "presence/set": {"status": "away"},
}
