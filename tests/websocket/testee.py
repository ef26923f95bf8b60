"""The suite's own echo server, on an address of its own and behind a port that clients see.

    python2.7 testee.py ADDRESS PORT SEEN_PORT

`wstest -m testeeserver` would listen on every address, and refuse a Host field that names another
port than the one it listens on: behind a load balancer it is another one.
"""
import sys

# First of all: it chooses the reactor.
from autobahntestsuite import choosereactor
from autobahntestsuite.testee import TesteeServerFactory
from twisted.internet import reactor

address, port, seen_port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
factory = TesteeServerFactory("ws://%s:%d" % (address, seen_port))
reactor.listenTCP(port, factory, interface=address)
reactor.run()
