"""A CAS server of django-cas-server, run by the interpreter of its own environment: `cas_peer.py FOLDER`.

It is under the GPL: it is neither imported by the program nor installed beside it.  Prints its port.
"""

import pathlib
import sys
import threading
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django
from django.conf import settings

FOLDER = pathlib.Path(sys.argv[1])
settings.configure(
    SECRET_KEY="of-a-test-alone", ROOT_URLCONF="urls", DEBUG=False, ALLOWED_HOSTS=["*"], USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(FOLDER / "cas.db"),
                           "OPTIONS": {"timeout": 20}}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
                    "django.contrib.messages", "cas_server"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware",
                "django.contrib.messages.middleware.MessageMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
                "OPTIONS": {"context_processors": ["django.template.context_processors.request",
                                                   "django.contrib.auth.context_processors.auth",
                                                   "django.contrib.messages.context_processors.messages"]}}],
    DEFAULT_AUTO_FIELD="django.db.models.AutoField", CAS_AUTH_CLASS="cas_server.auth.TestAuthUser",
    CAS_TEST_USER="zhang", CAS_TEST_PASSWORD="blue harbour",
    CAS_TEST_ATTRIBUTES={"number": "lead", "name": "张三", "groups": ["qa", "teachers"]}, CAS_SLO_TIMEOUT=5,
    CAS_NEW_VERSION_EMAIL_WARNING=False, CAS_NEW_VERSION_HTML_WARNING=False, STATIC_URL="/static/",
)  # fmt: skip
django.setup()

from django.core.management import call_command  # noqa: E402 - after the settings
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import include, path  # noqa: E402

module = type(sys)("urls")
module.urlpatterns = [path("cas/", include("cas_server.urls", namespace="cas_server"))]
sys.modules["urls"] = module
call_command("migrate", verbosity=0)
from cas_server.models import ReplaceAttributName, ServicePattern  # noqa: E402

pattern = ServicePattern.objects.create(pos=1, name="qaflow", pattern=r"^http://127\.0\.0\.1:\d+/signin/by/",
                                        single_log_out=True, restrict_users=False)  # fmt: skip
for name in ("number", "name", "groups"):
    ReplaceAttributName.objects.create(name=name, replace="", service_pattern=pattern)


class Quiet(WSGIRequestHandler):
    """Writes no line for each request."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


server = WSGIServer(("127.0.0.1", 0), Quiet)
server.set_app(get_wsgi_application())
sys.stdout.write(f"{server.server_port}\n")
sys.stdout.flush()
threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()  # ends with its parent
server.serve_forever()
