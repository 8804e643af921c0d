import attrs
import pytest

from tests.values.leaks import CANARY, leaks, raised, shown
from tropipay_oauth._values.credential import Credential
from tropipay_oauth._values.errors import ConfigurationError
from tropipay_oauth._values.secret import Secret


def test_a_credential_hides_its_secret_in_every_way_of_showing_it() -> None:
    credential = Credential(client_id="id-1", client_secret=CANARY)
    assert not leaks(shown(credential))
    assert repr(credential) == "Credential(client_id='id-1', client_secret=hidden)"
    assert credential.client_secret == Secret(CANARY)


def test_a_public_client_has_no_secret() -> None:
    assert repr(Credential(client_id="id-1")) == "Credential(client_id='id-1', client_secret=None)"


def test_credentials_are_compared_and_copied_by_their_parts() -> None:
    one = Credential(client_id="a", client_secret=Secret("b"))
    assert one == Credential(client_id="a", client_secret="b")
    assert one != Credential(client_id="a", client_secret="c")
    assert attrs.evolve(one, client_secret="c") == Credential(client_id="a", client_secret="c")
    assert attrs.evolve(one, user_agent="Shop/1").client_secret == Secret("b")
    assert hash(one) == hash(attrs.evolve(one))


def test_a_credential_is_frozen_and_not_pickled() -> None:
    one = Credential(client_id="a")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        one.client_id = "b"  # type: ignore[misc]  # the very point
    with pytest.raises(TypeError, match="not pickled"):
        one.__getstate__()


@pytest.mark.parametrize("client_id", ["", "a\n", "é", "a\x7f", "x" * 1001, None, 5, b"a"])
def test_a_client_id_is_printable_ascii(client_id: str) -> None:
    with pytest.raises(ConfigurationError, match="copy it") as caught:
        Credential(client_id=client_id)
    assert caught.value.code == "client_id"


@pytest.mark.parametrize("ending", ["\n", "é", "\x00"])
def test_a_bad_secret_is_refused_without_being_shown(ending: str) -> None:
    with pytest.raises(ConfigurationError, match="copy it again") as caught:
        Credential(client_id="a", client_secret=CANARY + ending)
    assert caught.value.code == "client_secret"
    assert not leaks(raised(lambda: Credential(client_id="a", client_secret=CANARY + ending)))


def test_other_mistakes_do_not_show_the_secret_either() -> None:
    assert not leaks(raised(lambda: Credential(client_id="", client_secret=CANARY)))
    assert not leaks(raised(lambda: Credential(client_id="a", client_secret=CANARY.encode())))  # type: ignore[arg-type]
    assert not leaks(raised(lambda: Credential(client_id="a", client_secrt=CANARY)))  # type: ignore[call-arg]


def test_an_empty_secret_is_no_secret() -> None:
    with pytest.raises(ConfigurationError, match="pass None"):
        Credential(client_id="a", client_secret="")


@pytest.mark.parametrize("agent", ["", " a", "a\r\nb", "é", "x" * 201, None])
def test_a_user_agent_is_one_short_header_value(agent: str) -> None:
    with pytest.raises(ConfigurationError, match=r"MyShop/1\.0"):
        Credential(client_id="a", user_agent=agent)
