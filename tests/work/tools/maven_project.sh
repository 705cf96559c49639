#!/bin/bash
# usage: maven_project.sh DIRECTORY      A project with one class and one JUnit test.
set -euo pipefail
mkdir -p "$1/src/main/java" "$1/src/test/java"
cd "$1"
cat >pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>test</groupId><artifactId>app</artifactId><version>1.0</version>
  <properties><maven.compiler.source>17</maven.compiler.source><maven.compiler.target>17</maven.compiler.target>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties>
  <dependencies><dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>4.13.2</version><scope>test</scope></dependency></dependencies>
</project>
XML
echo 'public class Sum { public static int of(int a, int b) { return a + b; } }' >src/main/java/Sum.java
echo 'public class SumTest { @org.junit.Test public void adds() { org.junit.Assert.assertEquals(5, Sum.of(2, 3)); } }' >src/test/java/SumTest.java
