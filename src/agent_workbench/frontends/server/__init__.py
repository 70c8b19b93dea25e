"""The same services over HTTP: configs, sessions, and agents in OpenAI's protocol.

Needs the extra `server`; nothing else imports it.
"""
