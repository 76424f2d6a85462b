"""E-mail: who wants what (choices), what it says (letters), and how it gets to the mail server (delivery)."""
