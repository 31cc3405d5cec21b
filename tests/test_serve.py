"""`wildpose serve`: whom it refuses, what it takes for a photo or video, and the command."""

import http.client
import json
import queue
import subprocess
import sys

import pytest
from fake_weights import write_fake_weights
from served import encoded, person, serving

from wildpose import cli
from wildpose.serve.uploads import display_name


@pytest.fixture
def server(tmp_path, monkeypatch):
    with serving(tmp_path, monkeypatch) as running:
        yield running


PATHS = [("GET", "/app.js"), ("GET", "/live"), ("GET", "/results/x"), ("POST", "/predict"), ("POST", "/webcam")]


def test_a_foreign_name_for_this_machine_is_refused(server):
    """DNS rebinding: another site's name that points to 127.0.0.1, so that the browser takes the app for that site."""
    for method, path in [("GET", "/"), *PATHS]:
        for host in ("evil.example", f"evil.example:{server.port}", "127.0.0.1.evil.example", "10.0.0.1", ""):
            assert server.ask(method, path, Host=host)[0] == 400
    for host in (f"127.0.0.1:{server.port}", f"localhost:{server.port}"):
        assert server.ask("GET", "/", Host=host)[0] == 200


def test_a_page_of_another_origin_is_refused(server):
    own = f"http://127.0.0.1:{server.port}"
    for method, path in PATHS:
        for origin in ("http://evil.example", "null", "http://127.0.0.1:1", own.replace("http", "https")):
            assert server.ask(method, path, Origin=origin)[0] == 403
        for site in ("cross-site", "same-site"):
            assert server.ask(method, path, Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate")[0] == 403
    assert server.ask("POST", "/webcam", Origin=own, Sec_Fetch_Site="same-origin")[0] == 200
    assert server.ask("GET", "/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")[0] == 200  # a link to it
    assert server.ask("GET", "/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")[0] == 403


def test_every_answer_forbids_what_the_pages_do_not_need(server):
    key = server.predict(encoded(person()), name="a.png")["result"]
    for path in ("/", "/app.js", "/live", f"/results/{key}", "/nowhere"):
        _, headers, _ = server.ask("GET", path)
        assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers
        policy = headers["content-security-policy"]
        viewer = path == "/live" or "results" in path
        assert policy.startswith("sandbox allow-scripts allow-downloads;" if viewer else "default-src 'none';")


def test_names_are_only_shown():
    assert display_name("../../etc/passwd") == "passwd" and display_name("C:\\x\\a.jpg") == "a.jpg"
    assert display_name("a\n\x1b[31mb.jpg") == "a[31mb.jpg" and display_name("///") == "upload"
    assert len(display_name("x" * 500)) == 120


def run_command(*args: str) -> subprocess.Popen:
    code = "import sys; from wildpose.cli import main; main(['serve', *sys.argv[1:]])"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", code, "--no-open", "--port", "0", *args], **pipes)


def test_the_command_serves_on_loopback_until_ctrl_c(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    weights = write_fake_weights(tmp_path / "dots.onnx")
    with run_command("--weights", str(weights)) as process:
        line = process.stdout.readline()
        assert line.startswith("wildpose is at http://127.0.0.1:")
        port = int(line.split(":")[2].partition("/")[0])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        connection.request("POST", "/predict?name=a.png", encoded(person()))
        assert "result" in json.loads(connection.getresponse().read().splitlines()[-1])
        connection.close()
        assert list((tmp_path / "temporary").iterdir()) != []
        process.send_signal(2)
        _, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")
    assert list((tmp_path / "temporary").iterdir()) == []


def test_the_browser_is_opened_where_the_server_is(monkeypatch, tmp_path, capsys):
    opened, listening = queue.Queue(), []
    monkeypatch.setattr("webbrowser.open", opened.put)
    monkeypatch.setattr("uvicorn.Server.run", lambda _, sockets: listening.extend(sockets))
    cli.main(["serve", "--port", "0", "--weights", str(write_fake_weights(tmp_path / "dots.onnx"))])
    host, port = listening[0].getsockname()
    assert host == "127.0.0.1" and opened.get(timeout=60) == f"http://127.0.0.1:{port}/"
    assert opened.empty() and f":{port}/" in capsys.readouterr().out
    listening[0].close()


def test_a_taken_port_is_one_line(server, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["serve", "--port", str(server.port), "--no-open"])
    assert stopped.value.code == 2
    assert f"a free port {server.port}" in capsys.readouterr().err


def test_without_the_extra_the_command_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(SystemExit) as stopped:
        cli.main(["serve"])
    error = capsys.readouterr().err
    assert stopped.value.code == 2 and error.count("\n") == 1 and 'pip install "wildpose[serve]"' in error


def test_serving_needs_no_training_library():
    code = """
import sys
for name in ("torch", "scipy", "numba", "matplotlib", "onnx", "safetensors"):
    sys.modules[name] = None
import wildpose.serve.app, wildpose.cli.serve
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr == ""
