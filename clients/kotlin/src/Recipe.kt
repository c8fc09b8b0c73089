// Lists the containers of a host, and prints the log of one of them as it is written: HOST CONTAINER.

import dockfleet.client.DockfleetException
import dockfleet.client.Fleet
import kotlin.system.exitProcess

fun main(words: Array<String>) {
    val (name, container) = words
    try {
        Fleet.fromEnvironment().use { fleet ->
            val host = fleet.host(name)
            val answer = host.containers().listContainers { it.setAll(true) }
            answer.containersList.forEach { println("${it.getNames(0).removePrefix("/")} ${it.state}") }
            host.logs(container) { it.setFollow(true).setTail(10) }.use { log -> // leaving the block cancels the call
                log.forEach { println(it.data.toStringUtf8()) }
            }
        }
    } catch (error: DockfleetException) {
        System.err.println("${error.code()} ${error.reason()}: ${error.message}")
        exitProcess(1)
    }
}
