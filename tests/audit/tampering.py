"""What somebody with every right on the database, and time, might do to the trail."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text

from munshi.audit.findings import Trouble
from munshi.domain.audit import leaf_hash
from munshi.infrastructure.database.engine import Database
from munshi.infrastructure.security.signing import SigningKey

Act = Callable[[Connection], object]


@dataclass(frozen=True, slots=True)
class Tampering:
    """`named` is the row or the block that must be named, or None for any."""

    act: Act
    trouble: Trouble
    row: int | None = None
    block: int | None = None


def tamper(database: Database, act: Act) -> None:
    """Do it with the triggers out of the way."""
    with database.engine.begin() as connection:
        if database.dialect == "sqlite":
            found = connection.execute(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'tr_A%'")
            )
            for (name,) in found.fetchall():
                connection.execute(text(f'DROP TRIGGER "{name}"'))
        else:
            for table in ("AuditLogs", "AuditBlocks"):
                connection.execute(text(f'ALTER TABLE "{table}" DISABLE TRIGGER USER'))
        act(connection)


def sql(*statements: str) -> Act:
    def act(connection: Connection) -> None:
        for statement in statements:
            assert connection.execute(text(statement)).rowcount != 0, statement

    return act


def flip(table: str, column: str, where: str) -> Act:
    """Change the first byte of a value."""

    def act(connection: Connection) -> None:
        chosen = f'FROM "{table}" WHERE {where}'
        value = bytes(connection.execute(text(f"SELECT {column} {chosen}")).scalar_one())
        changed = bytes([value[0] ^ 1]) + value[1:]
        connection.execute(
            text(f'UPDATE "{table}" SET {column} = :changed WHERE {where}'), {"changed": changed}
        )

    return act


def says(document: str | None) -> Act:
    """Row 2 shows another new value; it was `{"a":["é",null],"b":1}`."""

    def act(connection: Connection) -> None:
        cast = (
            "CAST(:document AS jsonb)" if connection.dialect.name == "postgresql" else ":document"
        )
        connection.execute(
            text(f'UPDATE "AuditLogs" SET new_value = {cast} WHERE id = 2'), {"document": document}
        )

    return act


def forge_row(connection: Connection) -> None:
    """Another action, with the body and the leaf that fit it."""
    chosen = 'FROM "AuditLogs" WHERE id = 300'
    body = bytes(connection.execute(text(f"SELECT canonical {chosen}")).scalar_one())
    forged = body.replace(b'"action":"created"', b'"action":"nothing"')
    connection.execute(
        text(
            "UPDATE \"AuditLogs\" SET action = 'nothing', canonical = :body, leaf = :leaf "
            "WHERE id = 300"
        ),
        {"body": forged, "leaf": leaf_hash(forged)},
    )


def swap_rows(connection: Connection) -> None:
    """Two rows under each other's number."""
    columns = "entity_id, canonical, leaf"
    rows = {
        number: connection.execute(
            text(f'SELECT {columns} FROM "AuditLogs" WHERE id = {number}')
        ).one()
        for number in (10, 20)
    }
    connection.execute(
        text('UPDATE "AuditLogs" SET leaf = :leaf WHERE id = 10'), {"leaf": b"x" * 32}
    )
    for number, other in ((20, 10), (10, 20)):
        connection.execute(
            text(
                'UPDATE "AuditLogs" SET entity_id = :entity_id, canonical = :canonical, '
                f"leaf = :leaf WHERE id = {number}"
            ),
            dict(rows[other]._mapping),  # noqa: SLF001 - a row's own mapping
        )


def insert_in_the_past(connection: Connection) -> None:
    """A row that says it is old, with everything that belongs to it, under a number of its own."""
    body = bytes(
        connection.execute(text('SELECT canonical FROM "AuditLogs" WHERE id = 5')).scalar_one()
    ).replace(b'"entity_id":"row 4"', b'"entity_id":"never"')
    columns = (
        "format_version, entity_type, action, timestamp, user_id, request_id, job_id, details, "
        "old_value, new_value"
    )
    late = connection.dialect.name == "postgresql"
    connection.execute(
        text(
            f'INSERT INTO "AuditLogs" (id, entity_id, canonical, leaf, {columns}'
            f"{', transaction_id' if late else ''}) "
            f"SELECT -7, 'never', :body, :leaf, {columns}"
            f'{", transaction_id" if late else ""} FROM "AuditLogs" WHERE id = 5'
        ),
        {"body": body, "leaf": leaf_hash(body)},
    )


def sign_anew(connection: Connection) -> None:
    """A key of the forger's own, put where ours stood."""
    key = SigningKey.new()
    connection.execute(text('UPDATE "AuditKeys" SET public_key = :key'), {"key": key.public})
    connection.execute(
        text('UPDATE "AuditBlocks" SET signature = :signature WHERE number = 1'),
        {"signature": key.sign(b"whatever")},
    )


TAMPERINGS: Mapping[str, Tampering] = {
    "a byte of a row's body": Tampering(
        flip("AuditLogs", "canonical", "id = 7"), Trouble.ROW_CHANGED, row=7
    ),
    "what people read of a row": Tampering(
        sql("UPDATE \"AuditLogs\" SET user_id = 'ravi' WHERE id = 8"),
        Trouble.ROW_READS_OTHERWISE,
        row=8,
    ),
    "the time of a row": Tampering(
        sql(
            'UPDATE "AuditLogs" SET timestamp = (SELECT timestamp FROM "AuditLogs" WHERE id = 1) '
            "WHERE id = 9"
        ),
        Trouble.ROW_READS_OTHERWISE,
        row=9,
    ),
    "a time outside every calendar": Tampering(
        sql("UPDATE \"AuditLogs\" SET timestamp = 'infinity' WHERE id = 9"),
        Trouble.ROW_READS_OTHERWISE,
        row=9,
    ),
    "a number that becomes true": Tampering(
        says('{"a":["é",null],"b":true}'), Trouble.ROW_READS_OTHERWISE, row=2
    ),
    "a whole number that becomes a fraction": Tampering(
        says('{"a":["é",null],"b":1.0}'), Trouble.ROW_READS_OTHERWISE, row=2
    ),
    "a document that becomes none": Tampering(says(None), Trouble.ROW_READS_OTHERWISE, row=2),
    "a space within a text": Tampering(
        says('{"a":["é ",null],"b":1}'), Trouble.ROW_READS_OTHERWISE, row=2
    ),
    "a row's leaf": Tampering(flip("AuditLogs", "leaf", "id = 11"), Trouble.ROW_CHANGED, row=11),
    "a row with body and leaf": Tampering(forge_row, Trouble.ROW_CHANGED, row=300),
    "two rows swapped": Tampering(swap_rows, Trouble.ROW_CHANGED, row=10),
    "a row deleted": Tampering(
        sql('DELETE FROM "AuditLogs" WHERE id = 12'), Trouble.ROW_MISSING, row=12
    ),
    "the last ten rows deleted": Tampering(
        sql('DELETE FROM "AuditLogs" WHERE id > 590'), Trouble.ROW_MISSING, row=591
    ),
    "a whole day deleted": Tampering(
        sql('DELETE FROM "AuditLogs" WHERE id > 200 AND id <= 400'), Trouble.ROW_MISSING, row=201
    ),
    "a row put into the past": Tampering(insert_in_the_past, Trouble.ROW_FOREIGN, row=-7),
    "a personal value": Tampering(
        sql("UPDATE \"AuditPersonalData\" SET value = '198.51.100.1' WHERE audit_id = 13"),
        Trouble.PERSONAL_CHANGED,
        row=13,
    ),
    "a block's root": Tampering(
        flip("AuditBlocks", "root", "number = 2"), Trouble.BLOCK_CHANGED, block=2
    ),
    "a block's leaves": Tampering(
        flip("AuditBlocks", "leaves", "number = 2"), Trouble.BLOCK_CHANGED, block=2
    ),
    "a block's ids": Tampering(
        flip("AuditBlocks", "ids", "number = 2"), Trouble.BLOCK_CHANGED, block=2
    ),
    "a block's hash": Tampering(
        flip("AuditBlocks", "block_hash", "number = 1"), Trouble.BLOCK_CHANGED, block=1
    ),
    "where a block begins": Tampering(
        sql('UPDATE "AuditBlocks" SET first_position = 100000 WHERE number = 3'),
        Trouble.CHAIN_BROKEN,
        block=3,
    ),
    "a block's signature": Tampering(
        flip("AuditBlocks", "signature", "number = 2"), Trouble.SIGNATURE_WRONG, block=2
    ),
    "signed by another key": Tampering(sign_anew, Trouble.KEY_WRONG),
    "a block deleted": Tampering(
        sql('DELETE FROM "AuditBlocks" WHERE number = 2'), Trouble.BLOCK_MISSING, block=2
    ),
    "the last block and its rows deleted": Tampering(
        sql('DELETE FROM "AuditBlocks" WHERE number = 3', 'DELETE FROM "AuditLogs" WHERE id > 512'),
        Trouble.CHECKPOINT_WRONG,
        block=3,
    ),
}
